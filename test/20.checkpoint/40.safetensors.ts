import assert from 'node:assert/strict';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCheckpoint } from '../../src/checkpoint';
import { openStateDict, expected, fixture, readAll, assertRejected } from '../support/checkpoint';
import { bytes, uint64 } from '../support/pickle';
import { temporaryDirectory } from '../support/temporary';

describe('safetensors', () => {
  const directory = temporaryDirectory();
  const path = () => join(directory.path, 'x.bin');

  /** Writes a file with this header and `dataBytes` zero bytes of data. */
  async function write(header: object | string, dataBytes: number) {
    const json = typeof header === 'string' ? header : JSON.stringify(header);
    await writeFile(path(), bytes(uint64(json.length), json, Buffer.alloc(dataBytes)));
  }

  const float = (begin: number, end: number, shape = [(end - begin) / 4]) => ({
    dtype: 'F32',
    shape,
    data_offsets: [begin, end],
  });

  it('reads every dtype, scalars and empty tensors', async () => {
    assert.deepEqual(await readAll(fixture('plain.safetensors')), expected('contiguous'));
  });

  it('reads tensors in any header order, including one named __proto__', async () => {
    await write('{"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"__proto__":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}  ', 2); // prettier-ignore
    const checkpoint = await openStateDict(path());
    assert.deepEqual([...checkpoint.tensors.keys()].sort(), ['__proto__', 'b']);
    await checkpoint.close();
  });

  it('recognizes headers of every length', async () => {
    for (let spaces = 0; spaces < 300; spaces++) {
      await write(`{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}${' '.repeat(spaces)}`, 1);
      assert.deepEqual((await readAll(path())).w?.values, [0]);
    }
  });

  it('reads a 400 MB file with less than 200 MB of memory', async () => {
    const count = 100;
    const size = 4 * 2 ** 20;
    await write(Object.fromEntries(Array.from({ length: count }, (_, i) => [`w${i}`, float(i * size, (i + 1) * size)])), 0); // prettier-ignore
    const file = await open(path(), 'r+');
    await file.truncate((await file.stat()).size + count * size);
    await file.close();

    const checkpoint = await openStateDict(path());
    const before = process.memoryUsage();
    let [buffers, rss] = [0, 0];
    for (const tensor of checkpoint.tensors.values()) {
      assert.equal((await tensor.read()).length, size);
      const current = process.memoryUsage();
      buffers = Math.max(buffers, current.arrayBuffers - before.arrayBuffers);
      rss = Math.max(rss, current.rss - before.rss);
    }
    await checkpoint.close();
    assert(buffers < 200e6 && rss < 200e6, `${buffers} bytes in buffers, ${rss} of RSS`);
  });

  it('rejects a header that is too large or longer than the file', async () => {
    await writeFile(path(), bytes(uint64(2n ** 63n), '{}'));
    await assertRejected(path(), 'FORMAT', /its header claims 9223372036854775808 bytes/);
    await writeFile(path(), bytes(uint64(2 ** 22 + 1), '{}'));
    await assertRejected(path(), 'FORMAT', /its header claims 4194305 bytes/);
    await writeFile(path(), bytes(uint64(2 ** 22), '{}'));
    await assertRejected(path(), 'TRUNCATED', /it ends within its header/);
  });

  it('rejects a header that is not JSON', async () => {
    await write('{"w":', 0);
    await assertRejected(path(), 'FORMAT', /its header is not JSON/);
    await write('{"\xff":{}}', 0);
    await assertRejected(path(), 'FORMAT', /its header is not JSON/);
  });

  it('skips tensors of the dtypes that have no counterpart, and names them', async () => {
    await write(
      {
        a: { dtype: 'F8_E4M3', shape: [3], data_offsets: [0, 3] },
        b: { dtype: 'F4', shape: [2, 3], data_offsets: [3, 6] },
        w: float(6, 10),
        c: { dtype: 'C64', shape: [], data_offsets: [10, 18] },
      },
      18,
    );
    const checkpoint = await openCheckpoint(path());
    const [state] = checkpoint.stateDicts;
    assert.deepEqual([...state!.tensors.keys()], ['w']);
    assert.deepEqual(Object.fromEntries(state!.others), {
      a: 'torch.Tensor of F8_E4M3',
      b: 'torch.Tensor of F4',
      c: 'torch.Tensor of C64',
    });
    await checkpoint.close();
    await write({ a: { dtype: 'F8_E4M3', shape: [3], data_offsets: [0, 4] } }, 4);
    await assertRejected(path(), 'FORMAT', /'a' has 4 bytes, but its shape requires 3/);
  });

  it('reads the strings of its metadata', async () => {
    await write('{"__metadata__":{"format":"pt","arch":"resnet50","n":1},"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1); // prettier-ignore
    const checkpoint = await openCheckpoint(path());
    assert.deepEqual(Object.fromEntries(checkpoint.metadata), { format: 'pt', arch: 'resnet50' });
    await checkpoint.close();
  });

  it('rejects an unknown dtype and reports its name', async () => {
    await write({ w: { dtype: 'F9', shape: [1], data_offsets: [0, 1] } }, 1);
    await assertRejected(path(), 'FORMAT', /its tensor 'w' has elements of the type F9/);
    await write({ w: { dtype: 'constructor', shape: [1], data_offsets: [0, 1] } }, 1);
    await assertRejected(path(), 'FORMAT', /of the type constructor/);
  });

  it('rejects invalid tensor descriptions', async () => {
    for (const [entry, message] of [
      [null, /is not described/],
      ['F32', /is not described/],
      [[], /elements of the type undefined/],
      [{ ...float(0, 4), shape: [-1] }, /no valid shape/],
      [{ ...float(0, 4), shape: [0.5] }, /no valid shape/],
      [{ ...float(0, 4), shape: '1' }, /no valid shape/],
      [{ ...float(0, 4), shape: [2 ** 40, 2 ** 40] }, /no valid shape/],
      [{ ...float(0, 4), shape: [0, 2 ** 40, 2 ** 40] }, /no valid shape/],
      [{ ...float(0, 4), shape: new Array(65).fill(1) }, /no valid shape/],
      [{ ...float(0, 4), data_offsets: [4, 0] }, /has -4 bytes/],
      [{ ...float(0, 4), data_offsets: [-4, 0] }, /no valid offsets/],
      [{ ...float(0, 4), data_offsets: [0] }, /no valid offsets/],
      [{ ...float(0, 4), data_offsets: undefined }, /no valid offsets/],
      [float(0, 8, [1]), /has 8 bytes, but its shape requires 4/],
    ] as const) {
      await write({ w: entry }, 8);
      await assertRejected(path(), 'FORMAT', message);
    }
  });

  it('rejects overlaps, gaps and trailing bytes', async () => {
    await write({ a: float(0, 8), b: float(4, 12) }, 12);
    await assertRejected(path(), 'FORMAT', /its tensor 'b' overlaps another one/);
    await write({ a: float(0, 4), b: float(8, 12) }, 12);
    await assertRejected(path(), 'FORMAT', /its tensor 'b' follows a gap/);
    await write({ a: float(4, 8) }, 8);
    await assertRejected(path(), 'FORMAT', /its tensor 'a' follows a gap/);
    await write({ a: float(0, 4) }, 5);
    await assertRejected(path(), 'FORMAT', /1 bytes at its end belong to no tensor/);
  });

  it('reports the tensor at which the file is truncated', async () => {
    await write({ a: float(0, 8), b: float(8, 16) }, 15);
    await assertRejected(path(), 'TRUNCATED', /the tensor 'b' requires/);
    await write({ a: float(0, 2 ** 50, [2 ** 48]) }, 15);
    await assertRejected(path(), 'TRUNCATED', /the tensor 'a' requires/);
  });

  it('rejects a tensor of 2 GiB', async () => {
    await write({ a: float(0, 2 ** 31) }, 0);
    const file = await open(path(), 'r+');
    await file.truncate((await file.stat()).size + 2 ** 31);
    await file.close();
    await assertRejected(path(), 'FORMAT', /its tensor 'a' has 2 GiB or more/);
  });
});
