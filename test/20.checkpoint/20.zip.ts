import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DisposedError } from '../../src/errors';
import {
  openStateDict,
  expected,
  fixture,
  readAll,
  readTensor,
  assertRejected,
} from '../support/checkpoint';
import { bytes, dict, tensor } from '../support/pickle';
import { temporaryDirectory } from '../support/temporary';
import { writeZip } from '../support/zip';

const floats = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);

describe('zip .pth', () => {
  for (const protocol of [2, 3, 4, 5]) {
    it(`reads every dtype and kind of view saved with protocol ${protocol}`, async () => {
      assert.deepEqual(await readAll(fixture(`tensors-${protocol}.zip.pth`)), expected('tensors'));
    });
  }

  it('reads the state dict of a module', async () => {
    const read = await readAll(fixture('module.zip.pth'));
    assert.deepEqual(read, expected('module'));
    assert.equal(read['1.num_batches_tracked']?.dtype, 'int64');
  });

  it('finds the state dict that a training script wrapped, under the names of the file', async () => {
    const wrapped = Object.entries(expected('module')).map(([name, tensor]) => [
      `module.${name}`,
      tensor,
    ]);
    assert.deepEqual(await readAll(fixture('wrapped.zip.pth')), Object.fromEntries(wrapped));
  });

  it('finds the state dict next to plain data', async () => {
    assert.deepEqual(await readAll(fixture('plain-data.zip.pth')), expected('module'));
  });

  it('rejects a pickled module and reports its class', async () => {
    await assertRejected(
      fixture('whole-module.zip.pth'),
      'FORMAT',
      /it is a pickled object of the class torch\.nn\.modules\.linear\.Linear\. .*model\.state_dict\(\)/,
    );
  });

  it('preserves the order of the names and the strides of the file', async () => {
    const checkpoint = await openStateDict(fixture('tensors-2.zip.pth'));
    const { tensors } = checkpoint;
    assert.deepEqual([...tensors.keys()], Object.keys(expected('tensors')));
    assert.deepEqual(tensors.get('transposed')?.stride, [1, 3]);
    assert.deepEqual(tensors.get('channels_last')?.stride, [24, 1, 12, 3]);
    assert.deepEqual(tensors.get('expanded')?.stride, [0, 0]);
    await checkpoint.close();
  });

  it('reads only the bytes of the view into a separate buffer', async () => {
    const checkpoint = await openStateDict(fixture('tensors-2.zip.pth'));
    const read = async (name: string) => (await checkpoint.tensors.get(name)!.read()).buffer;
    assert.equal((await read('slice')).byteLength, 4 * 4);
    assert.equal((await read('expanded')).byteLength, 4);
    assert.equal((await read('empty_slice')).byteLength, 0);
    assert.notEqual(await read('tied_a'), await read('tied_b'));
    await checkpoint.close();
  });

  it('rejects reads after close, which is idempotent', async () => {
    const checkpoint = await openStateDict(fixture('module.zip.pth'));
    await Promise.all([checkpoint.close(), checkpoint.close()]);
    for (const stored of checkpoint.tensors.values()) {
      await assert.rejects(stored.read(), DisposedError);
    }
  });

  it('completes a pending read after close', async () => {
    const checkpoint = await openStateDict(fixture('module.zip.pth'));
    const reading = readTensor(checkpoint.tensors.get('0.weight')!);
    await checkpoint.close();
    assert.deepEqual(await reading, expected('module')['0.weight']);
  });

  describe('archive', () => {
    const directory = temporaryDirectory();
    const path = () => join(directory.path, 'x.pth');
    const pickle = { name: 'x/data.pkl', data: dict({ w: tensor() }) };
    const data = { name: 'x/data/0', data: floats };

    it('reads zip64 beyond 4 GiB', async () => {
      await writeZip(path(), [pickle, { ...data, at: 5 * 2 ** 30 }], true);
      assert.deepEqual((await readAll(path())).w?.values, [1, 2, 3, 4]);
    });

    it('rejects zip64 offsets beyond the largest file size', async () => {
      await writeZip(path(), [pickle, data], true);
      const file = await readFile(path());
      const locator = file.indexOf('PK\x06\x07');
      file.fill(0xff, locator + 8, locator + 16);
      await writeFile(path(), file);
      await assertRejected(
        path(),
        'TRUNCATED',
        /the directory at the end of the zip archive is missing/,
      );
      await writeZip(path(), [pickle, { ...data, at: 2 ** 20 }], true);
      const changed = await readFile(path());
      changed.fill(
        0xff,
        changed.lastIndexOf('x/data/0') + 28,
        changed.lastIndexOf('x/data/0') + 36,
      );
      await writeFile(path(), changed);
      await assertRejected(path(), 'FORMAT', /its record 'x\/data\/0' is damaged/);
    });

    it('assumes little-endian without a byte order and rejects big-endian', async () => {
      await writeZip(path(), [pickle, data]);
      assert.deepEqual((await readAll(path())).w?.values, [1, 2, 3, 4]);
      await writeZip(path(), [pickle, data, { name: 'x/byteorder', data: bytes('big') }]);
      await assertRejected(path(), 'FORMAT', /not saved on a little-endian machine/);
    });

    it('rejects compressed and encrypted records', async () => {
      await writeZip(path(), [pickle, { ...data, method: 8 }]);
      await assertRejected(path(), 'FORMAT', /record 'x\/data\/0' is compressed/);
      await writeZip(path(), [{ ...pickle, method: 8 }, data]);
      await assertRejected(path(), 'FORMAT', /record 'x\/data.pkl' is compressed/);
      // yauzl expects the size to include the 12-byte encryption header.
      await writeZip(path(), [pickle, { ...data, flags: 1, method: 8 }]);
      await assertRejected(path(), 'FORMAT', /record 'x\/data\/0' is encrypted/);
    });

    it('rejects an archive without data.pkl', async () => {
      await writeZip(path(), [{ name: 'readme.txt', data: bytes('hello') }]);
      await assertRejected(path(), 'FORMAT', /zip archive without data\.pkl/);
    });

    it('rejects TorchScript and identifies it', async () => {
      for (const name of ['x/constants.pkl', 'x/code/__torch__.py']) {
        await writeZip(path(), [pickle, { name, data: bytes('N.') }]);
        await assertRejected(path(), 'FORMAT', /it is TorchScript.*ScriptModule\.load/);
      }
    });

    it('rejects two records with the same name', async () => {
      await writeZip(path(), [pickle, data, data]);
      await assertRejected(path(), 'FORMAT', /duplicate record names/);
    });

    it('rejects record names that escape the archive', async () => {
      await writeZip(path(), [pickle, { ...data, name: '../x' }]);
      await assertRejected(path(), 'FORMAT', /directory of its zip archive is damaged/);
    });

    it('reports the tensor whose record is missing or too short', async () => {
      await writeZip(path(), [pickle]);
      await assertRejected(path(), 'FORMAT', /the data of its tensor 'w' is missing/);
      await writeZip(path(), [pickle, { ...data, data: floats.subarray(1) }]);
      await assertRejected(path(), 'FORMAT', /its tensor 'w' exceeds its storage/);
    });

    it('reads a storage whose byte count is not a multiple of the element size', async () => {
      await writeZip(path(), [pickle, { ...data, data: bytes(floats, 'xyz') }]);
      assert.deepEqual((await readAll(path())).w?.values, [1, 2, 3, 4]);
    });
  });
});
