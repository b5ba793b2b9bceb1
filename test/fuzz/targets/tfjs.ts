import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { editJson } from '../json';
import type { Target } from '../target';
import { openReader } from './checkpoint';

const manifest = {
  modelTopology: { class_name: 'Model', config: { layers: [{ name: 'conv', units: [1, 2] }] } },
  weightsManifest: [
    {
      paths: ['a.bin', 'b.bin'],
      weights: [
        { name: 'conv/kernel', shape: [1, 1, 3, 2], dtype: 'float32' },
        { name: 'conv/bias', shape: [2], dtype: 'float32' },
      ],
    },
    { paths: ['c.bin'], weights: [{ name: 'step', shape: [], dtype: 'int32' }] },
  ],
};

/** Mutates model.json; the shards are valid. */
export const tfjs: Target = {
  name: 'tfjs',
  maxMemory: 2 ** 30,
  seeds: () =>
    Promise.resolve([{ name: 'model.json', bytes: Buffer.from(JSON.stringify(manifest)) }]),
  edit: ({ bytes }, random) => Buffer.from(editJson(bytes.toString(), random)),
  tokens: [
    '{',
    '}',
    '[',
    ']',
    '"',
    ',',
    ':',
    '\\',
    '../',
    'a.bin',
    'quantization',
    '1e9',
    '-1',
  ].map((token) => Buffer.from(token)),
  open: async (context) => {
    for (const [name, size] of [
      ['a.bin', 20],
      ['b.bin', 12],
      ['c.bin', 4],
    ] as const) {
      await writeFile(join(context.directory, name), Buffer.alloc(size, 7));
    }
    return await openReader(context, 'model.json', undefined);
  },
};
