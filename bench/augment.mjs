// Measures augmentations on one thread against torchvision on Pillow's images: the usual sequence for training, from the
// pixels of the photos to a tensor, and each operation on 224 x 224 pixels.
//   npx tsc -p tsconfig.build.json && SEMISUP_BENCH_PYTHON=python3 node bench/augment.mjs > bench/results/augment.csv
// Options: --rounds 7.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startAll } from './support/contender.mjs';
import { compare, interleave, ratioColumns } from './support/interleave.mjs';
import { printHeader } from './support/machine.mjs';
import { withModelFolder } from './support/models.mjs';
import { findPhotos } from './support/photos.mjs';
import { python } from './support/python.mjs';

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '7' } } });
const script = (name) => fileURLToPath(new URL(`support/${name}`, import.meta.url));

/** The operations, with the parameters of RandAugment's default magnitude, or usual ones of ColorJitter. */
const operations = [
  { name: 'hflip' },
  { name: 'shearX', value: 0.09 },
  { name: 'shearY', value: 0.09 },
  { name: 'translateX', value: 30 },
  { name: 'translateY', value: 30 },
  { name: 'rotate', value: 9 },
  { name: 'brightness', value: 1.27 },
  { name: 'contrast', value: 1.27 },
  { name: 'saturation', value: 1.27 },
  { name: 'sharpness', value: 1.27 },
  { name: 'hue', value: 0.1 },
  { name: 'posterize', value: 7 },
  { name: 'solarize', value: 178.5 },
  { name: 'autocontrast' },
  { name: 'equalize' },
];

const versions = python
  ? execFileSync(
      python,
      [
        '-c',
        'from importlib.metadata import version; print(", ".join(f"{n} {version(n)}" for n in ["torch", "torchvision", "pillow"]))',
      ],
      { encoding: 'utf8' },
    ).trim()
  : 'no Python';

await withModelFolder(async (folder) => {
  const { path, kind } = await findPhotos(folder);
  const contenders = await startAll({
    torchvision: [python, script('augment_python.py'), path],
    semisup: [process.execPath, script('augment-semisup.mjs'), path],
  });
  printHeader(`1 thread; ${kind}; ${versions}; microseconds of processor time of one image`);
  console.log('what,contender,median µs,images/s,ratio,lowest ratio,highest ratio');
  const requests = [
    ['RandomResizedCrop + flip + RandAugment', {}],
    ...operations.map((operation) => [operation.name, { operation }]),
  ];
  for (const [what, body] of requests) {
    const measured = await interleave(
      contenders,
      Number(options.rounds),
      async ({ request }) => (await request(body)).values,
    );
    for (const [name, rounds] of measured) {
      const { value, ratios } = compare(rounds, measured.get('torchvision'));
      const figures = [value.toFixed(0), (1e6 / value).toFixed(0)];
      console.log([what, name, ...figures, ...ratioColumns(ratios)].join(','));
    }
  }
  await Promise.all(contenders.map((contender) => contender.close()));
});
