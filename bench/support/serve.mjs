// The child-process side of a contender.
import { createInterface } from 'node:readline';

/**
 * Responds to each line of JSON on stdin with one on stdout. `open` resolves to the first response, `ready`,
 * and to the function that handles a request. A failure is reported as `{ error }`.
 */
export async function serve(open) {
  const send = (response) => console.log(JSON.stringify(response));
  const toResponse = ({ message }) => ({ error: message.replaceAll('\n', ' ') });
  try {
    const { ready = {}, handle } = await open();
    send(ready);
    for await (const line of createInterface(process.stdin)) {
      send(await handle(JSON.parse(line)).catch(toResponse));
    }
  } catch (error) {
    send(toResponse(error));
  }
  process.exit();
}
