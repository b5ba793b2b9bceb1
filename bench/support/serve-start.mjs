// What the contenders of start.mjs in Node have in common.
import { createInterface } from 'node:readline';
import { memoryOf } from './memory.mjs';

/**
 * Opens each path in turn, classifies the image, and prints the best class and the memory that the process has gained
 * since `before`. Waits for a line before each path but the first, and before it ends.
 *
 * @param before the memory before anything was imported
 * @param open returns a function that returns the index of an image's best class
 */
export async function serveStart(paths, image, before, open) {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  for (const path of paths) {
    const classify = await open(path);
    const index = await classify(image);
    const now = memoryOf();
    const gained = Object.fromEntries(
      Object.entries(now).map(([name, value]) => [name, value - before[name]]),
    );
    console.log(JSON.stringify({ index, ...gained }));
    await lines.next();
  }
  process.exit(0);
}
