import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from '../../src/errors';
import { fixture, readAll, assertRejected } from '../support/checkpoint';
import {
  bytes,
  dict,
  integer,
  legacy,
  tensor,
  text,
  tuple,
  uint32,
  uint64,
} from '../support/pickle';
import { temporaryDirectory } from '../support/temporary';
import { writeZip } from '../support/zip';

const files = [
  'tensors-2.zip.pth',
  'module.zip.pth',
  'plain-data.zip.pth',
  'tensors-2.legacy.pth',
  'module.legacy.pth',
  'plain-data.legacy.pth',
  'plain.safetensors',
];

describe('hostile checkpoint', () => {
  const directory = temporaryDirectory();
  const path = () => join(directory.path, 'x.pth');

  /** Writes the pickle of an object in one of the two formats of torch.save. */
  const formats = {
    zip: (pickle: Buffer) =>
      writeZip(path(), [
        { name: 'x/data.pkl', data: pickle },
        { name: 'x/data/0', data: Buffer.alloc(16) },
      ]),
    legacy: (pickle: Buffer) =>
      writeFile(path(), legacy(pickle, [{ key: '0', count: 4, data: Buffer.alloc(16) }])),
  };

  /** Reads arbitrary content, for which only a CheckpointError is allowed. */
  async function loads(content: Uint8Array, description: string): Promise<boolean> {
    await writeFile(path(), content);
    try {
      await readAll(path());
      return true;
    } catch (error) {
      assert(error instanceof CheckpointError, `${description}: ${String(error)}`);
      return false;
    }
  }

  for (const [format, write] of Object.entries(formats)) {
    describe(`pickle in the ${format} format`, () => {
      it('reads a valid pickle', async () => {
        await write(dict({ w: tensor() }));
        assert.deepEqual((await readAll(path())).w?.values, [0, 0, 0, 0]);
      });

      it('rejects calls of other functions without running them', async () => {
        const sentinel = join(directory.path, 'mark');
        for (const call of [
          bytes('cos\nsystem\n', text(`touch ${sentinel}`), '\x85R'),
          bytes(text('os'), text('system'), '\x93', text(`touch ${sentinel}`), '\x85R'),
          bytes('\x8c\x02os\x94\x8c\x06system\x94\x93\x94', text(`touch ${sentinel}`), '\x85R'),
        ]) {
          await write(dict({ w: call }));
          await assertRejected(path(), 'UNSAFE', /names `os\.system`/);
          await write(bytes('\x80\x02', call, '.'));
          await assertRejected(path(), 'UNSAFE', /names `os\.system`/);
        }
        assert.equal(existsSync(sentinel), false);
      });

      it('rejects tensors that exceed their storage', async () => {
        for (const view of [
          { shape: [5] },
          { offset: 1 },
          { stride: [2] },
          { shape: [2, 2], stride: [3, 1] },
          { offset: 2 ** 52 },
          { shape: [2], stride: [2 ** 52] },
          { shape: [2 ** 40, 2], stride: [2 ** 50, 2 ** 50] },
        ]) {
          await write(dict({ w: tensor(view) }));
          await assertRejected(path(), 'FORMAT', /its tensor 'w' exceeds its storage/);
        }
      });

      it('rejects negative and excessive sizes before it allocates', async () => {
        for (const view of [
          { offset: -1 },
          { stride: [-1] },
          { shape: [-4] },
          { shape: [2 ** 40, 2 ** 40], stride: [0, 0] },
          { shape: [4, 1] },
          { shape: new Array<number>(65).fill(1), stride: new Array<number>(65).fill(1) },
        ]) {
          await write(dict({ w: tensor(view) }));
          await assertRejected(
            path(),
            'FORMAT',
            /calls torch\._utils\._rebuild_tensor_v2 with invalid arguments/,
          );
        }
        for (const numel of [2n ** 60n, -1]) {
          await write(dict({ w: tensor({ numel }) }));
          await assertRejected(path(), 'FORMAT', /has an invalid storage reference/);
        }
        await write(dict({ w: tensor({ numel: 2n ** 52n }) }));
        await assertRejected(path(), format === 'zip' ? 'FORMAT' : 'TRUNCATED', /tensor 'w'/);
      });

      it('rejects text of 4 GB', async () => {
        await write(bytes('\x80\x02X', uint32(0xffffffff), 'abc'));
        await assertRejected(path(), 'TRUNCATED', /it ends within its pickle/);
        await write(bytes('\x80\x04\x8d', uint64(2n ** 63n), 'abc'));
        await assertRejected(path(), 'TRUNCATED', /it ends within its pickle/);
      });

      it('copies the shape of a tensor, which the pickle modifies later', async () => {
        const id = [text('storage'), bytes('ctorch\nFloatStorage\n'), text('0'), text('cpu')];
        const storage = bytes(tuple(...id, integer(4)), 'Q');
        const view = [storage, integer(0), bytes(']', integer(4), 'aq\x07'), bytes(']K\x01a')];
        const rebuilt = bytes('ctorch._utils\n_rebuild_tensor_v2\n', tuple(...view), 'R');
        await write(
          dict({
            state_dict: bytes('}', text('w'), rebuilt, 's'),
            changed: bytes('h\x07', integer(9), 'a'),
          }),
        );
        assert.deepEqual((await readAll(path())).w?.shape, [4]);
      });

      it('rejects an object that is not a state dict', async () => {
        for (const [pickle, message] of [
          ['N.', /no state dict: it is a value of the type NoneType/],
          ['].', /no state dict: it is a value of the type list/],
          ['}.', /no state dict: it is an empty dict/],
          ['}K\x01Ns.', /its entry '1' has the type NoneType, and none is a tensor/],
          ['}U\x01eK\x03s.', /its entry 'e' has the type int, and none is a tensor/],
          ['}U\x01e}s.', /its entry 'e' has the type dict, and none is a tensor/],
          ['}q\x00U\x05modelh\x00s.', /its entry 'model' has the type dict/],
          ['cnumpy\nndarray\n)\x81.', /it is a value of the type numpy\.ndarray/],
        ] as const) {
          await write(bytes('\x80\x02', pickle));
          await assertRejected(path(), 'FORMAT', message);
        }
      });
    });
  }

  it('rejects files that are not checkpoints and identifies them', async () => {
    await assertRejected(join(directory.path, 'absent.pth'), 'NOT_FOUND', /absent\.pth/);
    await assertRejected('\0', 'NOT_FOUND', /could not be opened/);
    for (const [content, message] of [
      ['', /it is empty/],
      ['\x80', /neither a \.pth/],
      ['<!DOCTYPE html><html>', /neither a \.pth/],
      [`${'storages'.padEnd(257, '\0')}ustar\x0000${'\0'.repeat(250)}`, /tar form/],
    ] as const) {
      await writeFile(path(), bytes(content));
      await assertRejected(path(), 'FORMAT', message);
    }
  });

  it('rejects objects and deep arrays in place of names and dtypes', async () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    const short = '['.repeat(2000) + ']'.repeat(2000);
    const entry = (dtype: string) => `{"dtype":${dtype},"shape":[1],"data_offsets":[0,4]}`;
    const manifest = (paths: string, weights: string) =>
      `{"weightsManifest":[{"paths":[${paths}],"weights":[${weights}]}]}`;
    const weight = (dtype: string) => `{"name":"w","shape":[1],"dtype":${dtype}}`;
    for (const hostile of ['{"toString":1}', deep, short, 'null', '[{}]', '1e999']) {
      for (const header of [`{"w":${entry(hostile)}}`, `{"w":${hostile}}`]) {
        await writeFile(path(), bytes(uint64(header.length), header, 'data'));
        await assertRejected(path(), 'FORMAT', /could not be read/);
      }
      for (const model of [
        manifest(hostile, ''),
        manifest('', weight(hostile)),
        manifest('', hostile),
      ]) {
        await writeFile(path(), model);
        await assertRejected(path(), 'FORMAT', /could not be read/);
      }
    }
  });

  it('rejects JSON of which only a part is valid', async () => {
    for (const text of [
      '{"weightsManifest":[}',
      '{"weightsManifest":[{1]]}',
      '{"a" "b"}',
      '{"a":1,}',
      '{a:1}',
      '{"a":1} x',
      '{"a":"',
      '{"a":"\\',
      '{"a":1"}',
      '{,}',
      '{"weightsManifest":[1 2]}',
    ]) {
      await writeFile(path(), text);
      await assertRejected(path(), 'FORMAT', /it is not JSON/);
    }
  });

  it('rejects a pipe instead of waiting for it (not on Windows: needs mkfifo)', async function () {
    if (process.platform === 'win32') this.skip();
    execFileSync('mkfifo', [path()]);
    await assertRejected(path(), 'FORMAT', /it is not a regular file/);
  });

  it('detects the format by content instead of file name', async () => {
    await mkdir(join(directory.path, 'd'));
    for (const file of ['module.zip.pth', 'module.legacy.pth', 'plain.safetensors']) {
      const path = join(directory.path, 'd', 'x.txt');
      await writeFile(path, readFileSync(fixture(file)));
      assert.deepEqual(await readAll(path), await readAll(fixture(file)));
    }
  });

  for (const file of files) {
    it(`rejects ${file} truncated at any length`, async function () {
      this.timeout(120_000);
      const original = readFileSync(fixture(file));
      for (let length = 0; length < original.length; length += 13) {
        const truncated = original.subarray(0, length);
        assert.equal(await loads(truncated, `${file} truncated at ${length}`), false, `${length}`);
      }
    });

    it(`loads or rejects ${file} with random bytes changed`, async function () {
      this.timeout(120_000);
      const random = pseudorandom(file.length);
      const original = readFileSync(fixture(file));
      let rejected = 0;
      for (let round = 0; round < 300; round++) {
        const changed = Buffer.from(original);
        const flips = 1 + Math.floor(random() * 4);
        for (let i = 0; i < flips; i++) {
          changed[Math.floor(random() * original.length)] = Math.floor(random() * 256);
        }
        if (!(await loads(changed, `${file}, round ${round}`))) rejected++;
      }
      assert(rejected > 30, `${rejected} of 300 rejected`);
    });
  }

  it('loads or rejects noise after each magic number', async () => {
    const random = pseudorandom(1);
    for (const magic of [
      'PK\x03\x04',
      '\x80\x02',
      '\x80\x04\x95',
      '\x40\0\0\0\0\0\0\0{',
      '{"',
      '',
    ]) {
      for (let round = 0; round < 50; round++) {
        const noise = Uint8Array.from({ length: 300 }, () => Math.floor(random() * 256));
        await loads(bytes(magic, noise), `noise after ${magic}`);
      }
    }
  });
});

/** A linear congruential generator of reproducible numbers in [0, 1). */
function pseudorandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
