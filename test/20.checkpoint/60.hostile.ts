import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from '../../src/errors';
import { fixture, readAll, refuses } from '../support/checkpoint';
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
import { temporaryFolder } from '../support/temporary';
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
  const folder = temporaryFolder();
  const path = () => join(folder.path, 'x.pth');

  /** Writes an object's pickle in one of the two forms of torch.save. */
  const forms = {
    zip: (pickle: Buffer) =>
      writeZip(path(), [
        { name: 'x/data.pkl', data: pickle },
        { name: 'x/data/0', data: Buffer.alloc(16) },
      ]),
    legacy: (pickle: Buffer) =>
      writeFile(path(), legacy(pickle, [{ key: '0', count: 4, data: Buffer.alloc(16) }])),
  };

  /** Reads a file that may be anything; only a CheckpointError may come of it. */
  async function survives(content: Uint8Array, what: string): Promise<boolean> {
    await writeFile(path(), content);
    try {
      await readAll(path());
      return true;
    } catch (error) {
      assert(error instanceof CheckpointError, `${what}: ${String(error)}`);
      return false;
    }
  }

  for (const [form, write] of Object.entries(forms)) {
    describe(`pickle in the ${form} form`, () => {
      it('reads what is honest', async () => {
        await write(dict({ w: tensor() }));
        assert.deepEqual((await readAll(path())).w?.values, [0, 0, 0, 0]);
      });

      it('refuses calls of other functions by name, and runs nothing', async () => {
        const mark = join(folder.path, 'mark');
        for (const call of [
          bytes('cos\nsystem\n', text(`touch ${mark}`), '\x85R'),
          bytes(text('os'), text('system'), '\x93', text(`touch ${mark}`), '\x85R'),
          bytes('\x8c\x02os\x94\x8c\x06system\x94\x93\x94', text(`touch ${mark}`), '\x85R'),
        ]) {
          await write(dict({ w: call }));
          await refuses(path(), 'UNSAFE', /names `os\.system`/);
          await write(bytes('\x80\x02', call, '.'));
          await refuses(path(), 'UNSAFE', /names `os\.system`/);
        }
        assert.equal(existsSync(mark), false);
      });

      it('refuses tensors that reach out of their storage', async () => {
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
          await refuses(path(), 'FORMAT', /its tensor 'w' exceeds its storage/);
        }
      });

      it('refuses negative and absurd sizes before it allocates', async () => {
        for (const view of [
          { offset: -1 },
          { stride: [-1] },
          { shape: [-4] },
          { shape: [2 ** 40, 2 ** 40], stride: [0, 0] },
          { shape: [4, 1] },
          { shape: new Array<number>(65).fill(1), stride: new Array<number>(65).fill(1) },
        ]) {
          await write(dict({ w: tensor(view) }));
          await refuses(path(), 'FORMAT', /wrong arguments for torch\._utils\._rebuild_tensor_v2/);
        }
        for (const numel of [2n ** 60n, -1]) {
          await write(dict({ w: tensor({ numel }) }));
          await refuses(path(), 'FORMAT', /has an invalid storage reference/);
        }
        await write(dict({ w: tensor({ numel: 2n ** 52n }) }));
        await refuses(path(), form === 'zip' ? 'FORMAT' : 'TRUNCATED', /tensor 'w'/);
      });

      it('refuses text of 4 GB', async () => {
        await write(bytes('\x80\x02X', uint32(0xffffffff), 'abc'));
        await refuses(path(), 'TRUNCATED', /it ends within its pickle/);
        await write(bytes('\x80\x04\x8d', uint64(2n ** 63n), 'abc'));
        await refuses(path(), 'TRUNCATED', /it ends within its pickle/);
      });

      it('keeps the shape of a tensor that the pickle goes on to change', async () => {
        const id = [text('storage'), bytes('ctorch\nFloatStorage\n'), text('0'), text('cpu')];
        const storage = bytes(tuple(...id, integer(4)), 'Q');
        const view = [storage, integer(0), bytes(']', integer(4), 'aq\x07'), bytes(']K\x01a')];
        const made = bytes('ctorch._utils\n_rebuild_tensor_v2\n', tuple(...view), 'R');
        await write(
          dict({
            state_dict: bytes('}', text('w'), made, 's'),
            changed: bytes('h\x07', integer(9), 'a'),
          }),
        );
        assert.deepEqual((await readAll(path())).w?.shape, [4]);
      });

      it('refuses what is no state dict', async () => {
        for (const [pickle, message] of [
          ['N.', /it is not a state dict/],
          ['].', /it is not a state dict/],
          ['}K\x01Ns.', /a key that is not a string/],
          ['}U\x01eK\x03s.', /the entry 'e' of its state dict is not a tensor/],
          ['}U\x01e}s.', /the entry 'e' of its state dict is not a tensor/],
          ['}q\x00U\x05modelh\x00s.', /the entry 'model' of its state dict is not a tensor/],
        ] as const) {
          await write(bytes('\x80\x02', pickle));
          await refuses(path(), 'FORMAT', message);
        }
      });
    });
  }

  it('refuses what is no checkpoint, by what it is', async () => {
    await refuses(join(folder.path, 'absent.pth'), 'NOT_FOUND', /absent\.pth/);
    await refuses('\0', 'NOT_FOUND', /could not be opened/);
    for (const [content, message] of [
      ['', /it is empty/],
      ['\x80', /neither a \.pth/],
      ['<!DOCTYPE html><html>', /neither a \.pth/],
      [`${'storages'.padEnd(257, '\0')}ustar\x0000${'\0'.repeat(250)}`, /tar form/],
    ] as const) {
      await writeFile(path(), bytes(content));
      await refuses(path(), 'FORMAT', message);
    }
  });

  it('refuses a pipe instead of waiting for it', async function () {
    if (process.platform === 'win32') this.skip();
    execFileSync('mkfifo', [path()]);
    await refuses(path(), 'FORMAT', /it is not a regular file/);
  });

  it('goes by the content and not by the name', async () => {
    await mkdir(join(folder.path, 'd'));
    for (const file of ['module.zip.pth', 'module.legacy.pth', 'plain.safetensors']) {
      const path = join(folder.path, 'd', 'x.txt');
      await writeFile(path, readFileSync(fixture(file)));
      assert.deepEqual(await readAll(path), await readAll(fixture(file)));
    }
  });

  for (const file of files) {
    it(`survives ${file} cut anywhere`, async function () {
      this.timeout(120_000);
      const whole = readFileSync(fixture(file));
      for (let length = 0; length < whole.length; length += 13) {
        const cut = whole.subarray(0, length);
        assert.equal(await survives(cut, `${file} cut at ${length}`), false, `${length}`);
      }
    });

    it(`survives ${file} with bytes changed at random`, async function () {
      this.timeout(120_000);
      const random = numbers(file.length);
      const whole = readFileSync(fixture(file));
      let refused = 0;
      for (let round = 0; round < 300; round++) {
        const changed = Buffer.from(whole);
        const flips = 1 + Math.floor(random() * 4);
        for (let i = 0; i < flips; i++) {
          changed[Math.floor(random() * whole.length)] = Math.floor(random() * 256);
        }
        if (!(await survives(changed, `${file}, round ${round}`))) refused++;
      }
      assert(refused > 30, `${refused} of 300 refused`);
    });
  }

  it('survives noise behind each of the magic bytes', async () => {
    const random = numbers(1);
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
        await survives(bytes(magic, noise), `noise behind ${magic}`);
      }
    }
  });
});

/** Numbers in [0, 1) that are the same in every run: a linear congruential generator. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
