import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expected, fixture, readAll, assertRejected } from '../support/checkpoint';
import { bytes, dict, integer, legacy, tensor, text, tuple } from '../support/pickle';
import { temporaryDirectory } from '../support/temporary';

const floats = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
const storage = { key: '0', count: 4, data: floats };

describe('legacy .pth', () => {
  for (const protocol of [2, 3, 4, 5]) {
    it(`reads every dtype and kind of view saved with protocol ${protocol}`, async () => {
      assert.deepEqual(
        await readAll(fixture(`tensors-${protocol}.legacy.pth`)),
        expected('tensors'),
      );
    });
  }

  for (const name of ['module', 'plain-data']) {
    it(`reads the state dict of ${name}.legacy.pth`, async () => {
      assert.deepEqual(await readAll(fixture(`${name}.legacy.pth`)), expected('module'));
    });
  }

  describe('file', () => {
    const directory = temporaryDirectory();
    const path = () => join(directory.path, 'x.pth');
    const write = (...content: Parameters<typeof legacy>) => writeFile(path(), legacy(...content));

    it('reads the storage views of old files', async () => {
      const viewOfStorage = tuple(text('1'), integer(1), integer(3));
      await write(dict({ w: tensor({ storageView: viewOfStorage, offset: 1, shape: [2] }) }), [
        storage,
      ]);
      assert.deepEqual((await readAll(path())).w?.values, [3, 4]);
      await write(dict({ w: tensor({ storageView: viewOfStorage, shape: [4] }) }), [storage]);
      await assertRejected(path(), 'FORMAT', /its tensor 'w' exceeds its storage/);
      const beyond = tuple(text('1'), integer(2), integer(3));
      await write(dict({ w: tensor({ storageView: beyond }) }), [storage]);
      await assertRejected(path(), 'FORMAT', /has an invalid storage reference/);
    });

    it('reads the dictionaries and strings of Python 2', async () => {
      const old = bytes('ccollections\nOrderedDict\n](](U\x01w', tensor(), 'ee\x85R.');
      await write(old, [storage]);
      assert.deepEqual((await readAll(path())).w?.values, [1, 2, 3, 4]);
    });

    it('reads pickles that are larger than its initial buffer', async () => {
      const log = text('long'.repeat(2 ** 18));
      await write(dict({ log, w: tensor() }), [storage]);
      assert.deepEqual((await readAll(path())).w?.values, [1, 2, 3, 4]);
    });

    it('rejects a big-endian file', async () => {
      await write(dict({ w: tensor() }), [storage], false);
      await assertRejected(path(), 'FORMAT', /not saved on a little-endian machine/);
    });

    it('rejects a pickle that torch.save did not write', async () => {
      await writeFile(path(), dict({ w: text('x') }));
      await assertRejected(path(), 'FORMAT', /a pickle that torch\.save did not write/);
    });

    it('rejects an unsupported format version', async () => {
      const file = legacy(dict({}));
      file[18] = 0xea;
      await writeFile(path(), file);
      await assertRejected(path(), 'FORMAT', /its format version is unknown/);
    });

    it('rejects an unsafe global at any position', async () => {
      await write(bytes('\x80\x02cos\nsystem\n', text('ls'), '\x85R.'));
      await assertRejected(path(), 'UNSAFE', /names `os\.system`/);
      await write(bytes('\x80\x04', text('posix'), text('system'), '\x93)R.'));
      await assertRejected(path(), 'UNSAFE', /names `posix\.system`/);
      await writeFile(path(), bytes('\x80\x02cos\nsystem\n)R.'));
      await assertRejected(path(), 'UNSAFE', /names `os\.system`/);
    });

    it('rejects storages that do not match the pickle', async () => {
      await write(dict({ w: tensor() }), []);
      await assertRejected(path(), 'FORMAT', /the data of its tensor 'w' is missing/);
      await write(dict({ w: tensor() }), [storage, { ...storage, key: '1' }]);
      await assertRejected(path(), 'FORMAT', /list of its storages does not match/);
      await write(dict({ w: tensor() }), [storage, storage]);
      await assertRejected(path(), 'FORMAT', /list of its storages does not match/);
      await write(dict({ w: tensor() }), [{ ...storage, count: 3 }]);
      await assertRejected(path(), 'FORMAT', /the data of 'w' has a different length/);
      await write(dict({ w: tensor(), v: tensor({ numel: 3 }) }), [storage]);
      await assertRejected(path(), 'FORMAT', /has conflicting descriptions of a storage/);
    });

    it('reports the tensor at which the file is truncated', async () => {
      const file = legacy(dict({ v: tensor({ key: '1' }), w: tensor() }), [
        { ...storage, key: '1' },
        storage,
      ]);
      await writeFile(path(), file.subarray(0, -1));
      await assertRejected(path(), 'TRUNCATED', /the tensor 'w' requires \d+\. Delete the file/);
      await writeFile(path(), file.subarray(0, -24 - 1));
      await assertRejected(path(), 'TRUNCATED', /the tensor 'v'/);
      await writeFile(path(), file.subarray(0, 100));
      await assertRejected(path(), 'TRUNCATED', /it ends within its pickle/);
    });
  });
});
