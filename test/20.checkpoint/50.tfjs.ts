import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DisposedError } from '../../src/errors';
import { openStateDict, readAll, assertRejected } from '../support/checkpoint';
import { temporaryDirectory } from '../support/temporary';

describe('TF.js', () => {
  const directory = temporaryDirectory();
  const model = () => join(directory.path, 'model.json');

  interface Weight {
    name: string;
    shape: unknown;
    dtype: string;
    quantization?: object;
  }

  /** Writes a `model.json` with one group and shards with these bytes. */
  async function write(weights: unknown, shards: Record<string, number[]>) {
    const group = { paths: Object.keys(shards), weights };
    await writeFile(model(), JSON.stringify({ modelTopology: {}, weightsManifest: [group] }));
    for (const [name, content] of Object.entries(shards)) {
      await mkdir(join(directory.path, name, '..'), { recursive: true });
      await writeFile(join(directory.path, name), Uint8Array.from(content));
    }
  }

  const bytesOf = (...values: number[]) => [...new Uint8Array(Float32Array.from(values).buffer)];
  const float = (name: string, ...shape: number[]): Weight => ({ name, shape, dtype: 'float32' });

  it('reads tensors that span shards, from the directory or from model.json', async () => {
    const data = bytesOf(1, 2, 3, 4, 5, 6);
    await write([float('conv/kernel', 1, 1, 2, 2), float('conv/bias', 2)], {
      'a.bin': data.slice(0, 3),
      'b.bin': [],
      'c/d.bin': data.slice(3, 17),
      'e.bin': data.slice(17),
    });
    const expected = {
      'conv/kernel': { dtype: 'float32', shape: [1, 1, 2, 2], values: [1, 2, 3, 4] },
      'conv/bias': { dtype: 'float32', shape: [2], values: [5, 6] },
    };
    assert.deepEqual(await readAll(model()), expected);
    assert.deepEqual(await readAll(directory.path), expected);
  });

  it('reads several groups with their own shards', async () => {
    const group = (path: string, name: string) => ({ paths: [path], weights: [float(name, 1)] });
    await writeFile(
      model(),
      JSON.stringify({ weightsManifest: [group('a', 'x'), group('b', 'y')] }),
    );
    await writeFile(join(directory.path, 'a'), Uint8Array.from(bytesOf(1)));
    await writeFile(join(directory.path, 'b'), Uint8Array.from(bytesOf(2)));
    const { x, y } = await readAll(model());
    assert.deepEqual([x?.values, y?.values], [[1], [2]]);
  });

  it('reads every supported dtype, scalars and empty tensors', async () => {
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

  it('rejects reads after close', async () => {
    await write([float('w', 1), float('e', 0)], { 'a.bin': bytesOf(1) });
    const checkpoint = await openStateDict(model());
    await Promise.all([checkpoint.close(), checkpoint.close()]);
    for (const tensor of checkpoint.tensors.values()) {
      await assert.rejects(tensor.read(), DisposedError);
    }
  });

  it('rejects quantized tensors and unsupported dtypes and reports their names', async () => {
    const quantization = { dtype: 'uint8', min: 0, scale: 1 };
    await write([{ ...float('w', 1), quantization }], { 'a.bin': [0] });
    await assertRejected(model(), 'FORMAT', /its tensor 'w' is quantized/);
    await write([{ name: 's', shape: [1], dtype: 'string' }], { 'a.bin': [0] });
    await assertRejected(model(), 'FORMAT', /its tensor 's' has elements of the type string/);
  });

  it('rejects shard paths outside its directory', async () => {
    await writeFile(join(directory.path, 'secret'), 'abcd');
    await mkdir(join(directory.path, 'in'));
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
      const inner = join(directory.path, 'in/model.json');
      await writeFile(inner, JSON.stringify({ weightsManifest: [group] }));
      await assertRejected(inner, 'FORMAT', /the path of its shard '.*' is not allowed/);
    }
  });

  it('reports a missing shard and the tensor at which shards are truncated', async () => {
    await write([float('w', 1), float('v', 1)], { 'a.bin': bytesOf(1), 'b.bin': bytesOf(2) });
    await rm(join(directory.path, 'b.bin'));
    await assertRejected(model(), 'NOT_FOUND', /b\.bin/);
    await writeFile(join(directory.path, 'b.bin'), 'abc');
    await assertRejected(model(), 'TRUNCATED', /it has 7 bytes, but the tensor 'v' requires 8/);
    await writeFile(join(directory.path, 'b.bin'), 'abcde');
    await assertRejected(model(), 'FORMAT', /1 bytes of its shards belong to no tensor/);
  });

  it('rejects JSON that is not a model and incomplete descriptions', async () => {
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
      await assertRejected(model(), 'FORMAT', message);
    }
    await write([float('w', 1), float('w', 1)], { 'a.bin': bytesOf(1, 2) });
    await assertRejected(model(), 'FORMAT', /duplicate tensors named 'w'/);
    await write([], Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [`${i}`, []])));
    await assertRejected(model(), 'FORMAT', /it names more than 1024 shards/);
  });

  it('reports a directory without model.json', async () => {
    await assertRejected(directory.path, 'NOT_FOUND', /model\.json/);
  });
});
