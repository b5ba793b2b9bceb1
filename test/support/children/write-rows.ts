// Writes embeddings to a file, so that the process can be killed in between. Prints how many rows the file had.
//   write-rows.ts FILE COUNT DIMENSIONS ROWS-PER-CALL MILLISECONDS
import { setTimeout as sleep } from 'node:timers/promises';
import { writeEmbeddings } from '../../../src/embeddings';
import { computeRows, conditions } from '../embedding-rows';

const [path, ...numbers] = process.argv.slice(2) as [string, ...string[]];
const [count, dimensions, perCall, delay] = numbers.map(Number) as [number, number, number, number];

async function main(): Promise<void> {
  const wait = async () => {
    await sleep(delay);
  };
  const compute = computeRows(count, dimensions, { perCall, wait });
  const { signal } = new AbortController();
  await writeEmbeddings(
    path,
    conditions,
    async (rows, locked) => {
      process.stdout.write(`${rows.size}\n`);
      return await compute(rows, locked);
    },
    signal,
  );
}

void main();
