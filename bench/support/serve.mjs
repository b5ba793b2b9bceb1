// The side of a contender's own process.
import { createInterface } from 'node:readline';

/**
 * Answers each line of JSON on stdin with one on stdout. `open` gives what is said once all is ready,
 * and what answers a request; a failure is answered as `{ error }`.
 */
export async function serve(open) {
  const say = (answer) => console.log(JSON.stringify(answer));
  const fail = ({ message }) => ({ error: message.replaceAll('\n', ' ') });
  try {
    const { ready = {}, answer } = await open();
    say(ready);
    for await (const line of createInterface(process.stdin)) {
      say(await answer(JSON.parse(line)).catch(fail));
    }
  } catch (error) {
    say(fail(error));
  }
  process.exit();
}
