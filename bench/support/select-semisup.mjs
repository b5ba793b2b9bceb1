// Selects images from the scores in a directory, in shuffled order, and prints what it took as JSON.
//   select-semisup.mjs SCORES IMAGES_PER_CLASS OUT
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { selectImages } from '../../lib/index.js';
import { writeSelection } from '../../lib/pseudo-labels/write-selection.js';

const [directory, imagesPerClass, out] = process.argv.slice(2);
const files = readdirSync(directory).map((name) => join(directory, name));
const shuffled = files
  .map((file) => ({ file, key: createHash('sha256').update(file).digest('hex') }))
  .toSorted((a, b) => (a.key < b.key ? -1 : 1))
  .map(({ file }) => file);

const startTime = performance.now();
const startCpu = process.cpuUsage();
const selection = await selectImages(shuffled, { imagesPerClass: Number(imagesPerClass) });
const seconds = (performance.now() - startTime) / 1000;
const { user, system } = process.cpuUsage(startCpu);
const peak = process.resourceUsage().maxRSS / 1024;
await writeSelection(selection, out);
const writing = (performance.now() - startTime) / 1000 - seconds;
const hash = createHash('sha256');
for (const name of ['selection.parquet', 'images.parquet']) {
  hash.update(readFileSync(join(out, name)));
}
process.stdout.write(
  JSON.stringify({
    ...{ pairs: selection.size, selected: selection.imageCount, seconds, writing, peak },
    ...{
      cpu: (user + system) / 1e6,
      hash: hash.digest('hex'),
    },
  }),
);
