import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCheckpoint } from '../../src/checkpoint';
import { DisposedError } from '../../src/errors';
import { readAll, refuses } from '../support/checkpoint';
import { temporaryFolder } from '../support/temporary';

describe('TF.js', () => {
  const folder = temporaryFolder();
  const model = () => join(folder.path, 'model.json');

  interface Weight {
    name: string;
    shape: unknown;
    dtype: string;
    quantization?: object;
  }

  /** Writes `model.json` of one group, whose shards have these bytes. */
  async function write(weights: unknown, shards: Record<string, number[]>) {
    const group = { paths: Object.keys(shards), weights };
    await writeFile(model(), JSON.stringify({ modelTopology: {}, weightsManifest: [group] }));
    for (const [name, content] of Object.entries(shards)) {
      await mkdir(join(folder.path, name, '..'), { recursive: true });
      await writeFile(join(folder.path, name), Uint8Array.from(content));
    }
  }

  const bytesOf = (...values: number[]) => [...new Uint8Array(Float32Array.from(values).buffer)];
  const float = (name: string, ...shape: number[]): Weight => ({ name, shape, dtype: 'float32' });

  it('reads tensors across the borders of shards, from the folder or from model.json', async () => {
    const data = bytesOf(1, 2, 3, 4, 5, 6);
    await write([float('conv/kernel', 1, 1, 2, 2), float('conv/bias', 2)], {
      'a.bin': data.slice(0, 3),
      'b.bin': [],
      'c/d.bin': data.slice(3, 17),
      'e.bin': data.slice(17),
    });
    const read = {
      'conv/kernel': { dtype: 'float32', shape: [1, 1, 2, 2], values: [1, 2, 3, 4] },
      'conv/bias': { dtype: 'float32', shape: [2], values: [5, 6] },
    };
    assert.deepEqual(await readAll(model()), read);
    assert.deepEqual(await readAll(folder.path), read);
  });

  it('reads several groups, each behind its own shards', async () => {
    const group = (path: string, name: string) => ({ paths: [path], weights: [float(name, 1)] });
    await writeFile(
      model(),
      JSON.stringify({ weightsManifest: [group('a', 'x'), group('b', 'y')] }),
    );
    await writeFile(join(folder.path, 'a'), Uint8Array.from(bytesOf(1)));
    await writeFile(join(folder.path, 'b'), Uint8Array.from(bytesOf(2)));
    const { x, y } = await readAll(model());
    assert.deepEqual([x?.values, y?.values], [[1], [2]]);
  });

  it('reads each of its dtypes, scalars and empty tensors', async () => {
    await write(
      [
        { name: 'i', shape: [], dtype: 'int32' },
        { name: 'u', shape: [2], dtype: 'uint8' },
        { name: 'b', shape: [2], dtype: 'bool' },
        float('e', 0, 3),
      ],
      { 'a.bin': [254, 255, 255, 255, 7, 255, 1, 0] },
    );
    const { i, u, b, e } = await readAll(model());
    assert.deepEqual([i?.values, u?.values, b?.values, e?.values], [[-2], [7, 255], [true, false], []]); // prettier-ignore
  });

  it('refuses to read after it was closed', async () => {
    await write([float('w', 1), float('e', 0)], { 'a.bin': bytesOf(1) });
    const checkpoint = await openCheckpoint(model());
    await Promise.all([checkpoint.close(), checkpoint.close()]);
    for (const tensor of checkpoint.tensors.values()) {
      await assert.rejects(tensor.read(), DisposedError);
    }
  });

  it('refuses quantized tensors and unknown dtypes, by name', async () => {
    const quantization = { dtype: 'uint8', min: 0, scale: 1 };
    await write([{ ...float('w', 1), quantization }], { 'a.bin': [0] });
    await refuses(model(), 'FORMAT', /its tensor 'w' is quantized/);
    await write([{ name: 's', shape: [1], dtype: 'string' }], { 'a.bin': [0] });
    await refuses(model(), 'FORMAT', /its tensor 's' has elements of the type string/);
  });

  it('refuses shards outside of its folder', async () => {
    await writeFile(join(folder.path, 'secret'), 'abcd');
    await mkdir(join(folder.path, 'in'));
    for (const path of [
      '../secret',
      'x/../../secret',
      '/etc/hostname',
      'C:\\x',
      '..',
      '',
      '\0',
      7,
    ]) {
      const group = { paths: [path], weights: [float('w', 1)] };
      const inner = join(folder.path, 'in/model.json');
      await writeFile(inner, JSON.stringify({ weightsManifest: [group] }));
      await refuses(inner, 'FORMAT', /the path of its shard '.*' is not allowed/);
    }
  });

  it('names the shard that is missing, and the tensor at which shards are cut', async () => {
    await write([float('w', 1), float('v', 1)], { 'a.bin': bytesOf(1), 'b.bin': bytesOf(2) });
    await rm(join(folder.path, 'b.bin'));
    await refuses(model(), 'NOT_FOUND', /b\.bin/);
    await writeFile(join(folder.path, 'b.bin'), 'abc');
    await refuses(model(), 'TRUNCATED', /it has 7 bytes, but the tensor 'v' requires 8/);
    await writeFile(join(folder.path, 'b.bin'), 'abcde');
    await refuses(model(), 'FORMAT', /1 bytes of its shards belong to no tensor/);
  });

  it('refuses JSON that is no model, and models that are not described', async () => {
    for (const [json, message] of [
      ['{}', /without the weightsManifest/],
      ['{"weightsManifest":[', /it is not JSON/],
      ['{"weightsManifest":{}}', /without the weightsManifest/],
      ['{"weightsManifest":[null]}', /no paths or no weights/],
      ['{"weightsManifest":[{"paths":[]}]}', /no paths or no weights/],
      ['{"weightsManifest":[{"paths":[],"weights":[null]}]}', /has no name/],
      [
        '{"weightsManifest":[{"paths":[],"weights":[{"name":"w","dtype":"bool"}]}]}',
        /no valid shape/,
      ],
    ] as const) {
      await writeFile(model(), json);
      await refuses(model(), 'FORMAT', message);
    }
    await write([float('w', 1), float('w', 1)], { 'a.bin': bytesOf(1, 2) });
    await refuses(model(), 'FORMAT', /duplicate tensors named 'w'/);
    await write([], Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [`${i}`, []])));
    await refuses(model(), 'FORMAT', /it names 1025 shards/);
  });

  it('says where a folder lacks model.json', async () => {
    await refuses(folder.path, 'NOT_FOUND', /model\.json/);
  });
});
