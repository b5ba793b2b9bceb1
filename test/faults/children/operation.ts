import { createInterface } from 'node:readline';
import { SemisupError } from '../../../src/errors';
import { prepareOperation, runOperation, type Operation } from '../support/operations';

/** Loads what the operation needs, waits for a line on stdin, runs it, and prints the outcome as JSON. */
async function main(): Promise<void> {
  const operation = JSON.parse(process.argv[2]!) as Operation;
  await prepareOperation(operation);
  console.log('ready');
  const [line] = (await createInterface({ input: process.stdin })[Symbol.asyncIterator]().next())
    .value as string;
  if (line === undefined) return;
  try {
    console.log(JSON.stringify({ result: await runOperation(operation) }));
  } catch (error) {
    const isTyped = error instanceof SemisupError;
    console.log(
      JSON.stringify(isTyped ? { code: (error as SemisupError).code } : { untyped: String(error) }),
    );
  }
  process.stdin.destroy();
}

void main();
