// Measures the selection of images from scores, divided into 1, 7 and 64 shards that are read in shuffled order.
//   npx tsc -p tsconfig.build.json && node bench/select.mjs > bench/results/select.csv
// Options: --images 10000000, --classes 1000, --images-per-class 1000,16384, --directory (2 GB; temporary by default).
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { printHeader } from './support/machine.mjs';
import { classesPerImage, writeScores } from './support/scores.mjs';

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '10000000' },
    classes: { type: 'string', default: '1000' },
    'images-per-class': { type: 'string', default: '1000,16384' },
    directory: { type: 'string', default: tmpdir() },
  },
});
const [images, classes] = [values.images, values.classes].map(Number);
const script = join(dirname(fileURLToPath(import.meta.url)), 'support', 'select-semisup.mjs');
const directory = mkdtempSync(join(values.directory, 'semisup-bench-'));

printHeader(
  `${images} images with ${classesPerImage} of ${classes} classes each; an entry is one of them`,
  'pairs: of image and class, selected; hash: of selection.parquet and images.parquet',
);
console.log(
  'shards,images per class,pairs,selected images,seconds,CPU seconds,entries per CPU second,s to write,peak MiB,hash',
);
try {
  const hashes = new Map();
  for (const shards of [1, 7, 64]) {
    console.error(`writing ${shards} shards`);
    const scores = join(directory, String(shards));
    await writeScores(scores, { images, classes, shards });
    for (const imagesPerClass of values['images-per-class'].split(',')) {
      // A process of its own, for its peak of memory.
      const args = [script, scores, imagesPerClass, join(directory, 'selection')];
      const result = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
      const { pairs, selected, seconds, cpu, writing, peak, hash } = result;
      console.log(
        [
          ...[shards, imagesPerClass, pairs, selected, seconds.toFixed(1), cpu.toFixed(1)],
          ...[Math.round((images * classesPerImage) / cpu), writing.toFixed(1), Math.round(peak)],
          ...[hash.slice(0, 16)],
        ].join(','),
      );
      const expected = hashes.get(imagesPerClass) ?? hash;
      hashes.set(imagesPerClass, expected);
      if (hash !== expected) throw new Error('The selections differ.');
    }
    rmSync(scores, { recursive: true });
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
