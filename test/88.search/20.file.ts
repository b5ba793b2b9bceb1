import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ImageIndex, IndexError, memory } from '../../src/index';
import { vector, vectorEntries } from '../support/vectors';
import { temporaryDirectory } from '../support/temporary';

describe('the file of an image index', () => {
  const directory = temporaryDirectory();
  const file = () => join(directory.path, 'photos.index');

  /** Writes an index of 300 entries, of which some were removed and replaced; returns its results. */
  async function save(precision: 'float32' | 'bfloat16', path = file()): Promise<object> {
    await using index = ImageIndex.create({ dimensions: 65, precision, model: 'resnet18_swsl' });
    await index.add(
      vectorEntries(300, 65).map((entry, i) => ({
        ...entry,
        ...(i % 2 === 0 && { metadata: { size: i, path: `ä/${i}` } }),
      })),
    );
    await index.remove(['0', '5', '6', '299']);
    await index.add([{ id: 'ключ/写真.jpg', embedding: vector(1000, 65), metadata: { a: [1] } }]);
    await index.add(vectorEntries(1, 65, 7));
    await index.save(path);
    return await contentOf(index);
  }

  async function contentOf(index: ImageIndex): Promise<object> {
    const { dimensions, precision, model, size } = index;
    return {
      ...{ dimensions, precision, model, size },
      entries: index.ids().map((id) => [id, index.metadata(id)]),
      found: await index.search([vector(1000, 65), vector(8, 65)], { topk: 400 }),
    };
  }

  async function rejectsAsDamaged(path: string, problem: RegExp): Promise<void> {
    await assert.rejects(ImageIndex.open(path), (error: IndexError) => {
      assert.ok(error instanceof IndexError, String(error));
      assert.equal(error.code, 'ERR_SEMISUP_INDEX_FORMAT');
      assert.match(error.message, problem);
      assert.equal(error.value, path);
      return true;
    });
  }

  /** Writes a copy of the file with changes of its header, whose checksum is corrected. */
  async function withHeader(change: (header: Buffer) => void): Promise<string> {
    const bytes = await readFile(file());
    change(bytes);
    createHash('sha256').update(bytes.subarray(0, 64)).digest().copy(bytes, 64);
    const path = join(directory.path, 'changed.index');
    await writeFile(path, bytes);
    return path;
  }

  for (const precision of ['float32', 'bfloat16'] as const) {
    it(`keeps everything: ${precision}`, async () => {
      const expected = await save(precision);
      await using opened = await ImageIndex.open(file());
      assert.deepEqual(await contentOf(opened), expected);
      assert.ok(memory().mappedFiles.bytes > 0);
      assert.deepEqual(await readdir(directory.path), ['photos.index']);
    });
  }

  it('is replaced while it is open, also after changes', async () => {
    await save('float32');
    const opened = await ImageIndex.open(file(), { threads: 1 });
    await opened.add(vectorEntries(10, 65, 500));
    await opened.remove(['10', '505']);
    const expected = await contentOf(opened);
    await opened.save(file());
    assert.deepEqual(await contentOf(opened), expected);
    // Most entries: copies the others into memory.
    await opened.add(vectorEntries(2000, 65, 2000));
    await opened.remove(opened.ids().filter((id) => Number(id) % 10 !== 0));
    assert.equal(memory().mappedFiles.count, 0);
    const few = await contentOf(opened);
    await opened.save(file());
    await opened.close();
    await using again = await ImageIndex.open(file());
    assert.deepEqual(await contentOf(again), few);
  });

  it('can be empty', async () => {
    await using index = ImageIndex.create({ dimensions: 2048, precision: 'bfloat16' });
    await index.save(file());
    await using opened = await ImageIndex.open(file());
    assert.deepEqual([opened.size, opened.model, opened.ids()], [0, undefined, []]);
    assert.deepEqual(await opened.search(vector(1, 2048)), []);
    assert.deepEqual(await opened.duplicates(), []);
    await opened.add(vectorEntries(3, 2048));
    assert.equal((await opened.search(vector(1, 2048)))[0]!.id, '1');
  });

  it('has vectors that are aligned and padded, in little-endian order', async () => {
    await using index = ImageIndex.create({ dimensions: 3 });
    await index.add([{ id: 'a', embedding: [3, 0, -4] }]);
    await index.save(file());
    const bytes = await readFile(file());
    assert.equal(bytes.toString('latin1', 0, 8), 'SEMISUPI');
    const row = Array.from({ length: 16 }, (_, i) => bytes.readFloatLE(4096 + 4 * i));
    assert.deepEqual(
      row.slice(0, 3).map((value) => value.toFixed(6)),
      ['0.600000', '0.000000', '-0.800000'],
    );
    assert.deepEqual(row.slice(3), Array(13).fill(0));
  });

  it('is rejected at every length but its own', async () => {
    await save('bfloat16');
    const bytes = await readFile(file());
    const path = join(directory.path, 'short.index');
    const lengths = [0, 1, 7, 8, 64, 95, 96, 4095, 4096, 5000, bytes.length - 1];
    for (const length of [...lengths, bytes.length - 4000]) {
      await writeFile(path, bytes.subarray(0, length));
      await rejectsAsDamaged(path, length < 8 ? /it is not an index/ : /it is truncated/);
    }
    await writeFile(path, Buffer.concat([bytes, Buffer.alloc(1)]));
    await rejectsAsDamaged(path, /bytes after its end/);
    // A sparse file.
    await writeFile(path, bytes);
    await truncate(path, 2 ** 40);
    await rejectsAsDamaged(path, /bytes after its end/);
  });

  it('is rejected if a byte of the header or the entries is changed', async () => {
    await save('float32');
    const bytes = await readFile(file());
    const entries = bytes.readUInt32LE(24);
    const path = join(directory.path, 'damaged.index');
    const header = Array.from({ length: 96 }, (_, i) => i);
    for (const at of [...header, bytes.length - entries, bytes.length - 1, bytes.length - 777]) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0x10;
      await writeFile(path, damaged);
      await rejectsAsDamaged(path, at < 8 ? /not an index/ : at < 12 ? /version/ : /damaged/);
    }
  });

  it('is rejected without an allocation if its sizes are hostile', async () => {
    await save('float32');
    const before = process.memoryUsage.rss();
    for (const [change, problem] of [
      [(header: Buffer) => header.writeUInt32LE(0xffff_ffff, 20), /invalid/],
      [(header: Buffer) => header.writeUInt32LE(0x7fff_ffff, 20), /truncated/],
      [(header: Buffer) => header.writeUInt32LE(0xffff_ffff, 24), /invalid/],
      [(header: Buffer) => header.writeUInt32LE(0x7fff_ffff, 24), /truncated/],
      [(header: Buffer) => header.writeUInt32LE(0, 16), /invalid/],
      [(header: Buffer) => header.writeUInt32LE(0xffff_ffff, 16), /invalid/],
      [(header: Buffer) => header.writeUInt32LE(3, 12), /invalid/],
      [(header: Buffer) => header.writeUInt32LE(0, 12), /invalid/],
    ] as const) {
      await rejectsAsDamaged(await withHeader(change), problem);
    }
    assert.ok(process.memoryUsage.rss() - before < 200 << 20);
  });

  it('is rejected if its entries are inconsistent, with correct checksums', async () => {
    await using index = ImageIndex.create({ dimensions: 16 });
    await index.add(vectorEntries(2, 16));
    await index.save(file());
    const start = 4096 + 2 * 64;
    const original = (await readFile(file())).subarray(start);
    const text = (value: string) => {
      const bytes = Buffer.from(value);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return [length, bytes] as const;
    };
    const entry = (id: string, metadata = '') => {
      const [[idLength, idBytes], [length, bytes]] = [text(id), text(metadata)];
      return Buffer.concat([idLength, length, idBytes, bytes]);
    };
    const write = async (...parts: Buffer[]) => {
      const entries = Buffer.concat(parts);
      const path = await withHeader((header) => {
        header.writeUInt32LE(entries.length, 24);
        createHash('sha256').update(entries).digest().copy(header, 32);
      });
      const bytes = await readFile(path);
      await writeFile(path, Buffer.concat([bytes.subarray(0, start), entries]));
      return path;
    };
    const description = Buffer.concat(text('{}'));
    assert.equal((await ImageIndex.open(await write(original))).size, 2);
    const huge = Buffer.from(entry('b'));
    huge.writeUInt32LE(0xffff_fff0, 0);
    for (const parts of [
      [],
      [description],
      [description, entry('a')],
      [description, entry('a'), entry('a')],
      [description, entry('a'), entry('')],
      [description, entry('a'), entry('b'), entry('c')],
      [description, entry('a'), huge],
      [Buffer.concat(text('{')), entry('a'), entry('b')],
      [Buffer.concat(text('{"model":1}')), entry('a'), entry('b')],
    ]) {
      await rejectsAsDamaged(await write(...parts), /its entries are damaged/);
    }
    await using opened = await ImageIndex.open(
      await write(Buffer.concat(text('null')), entry('a', '{'), entry('b')),
    );
    assert.throws(() => opened.metadata('a'), { code: 'ERR_SEMISUP_INDEX_FORMAT' });
  });

  it('never returns an entry whose vector is damaged to NaN', async () => {
    await using index = ImageIndex.create({ dimensions: 16 });
    await index.add(vectorEntries(9, 16));
    await index.save(file());
    const bytes = await readFile(file());
    for (const row of [0, 4, 8]) bytes.writeFloatLE(NaN, 4096 + row * 64 + 4);
    await writeFile(file(), bytes);
    await using opened = await ImageIndex.open(file(), { threads: 1 });
    for (const topk of [1, 3, 6, 9]) {
      const found = await opened.search(vector(4, 16), { topk });
      assert.equal(found.length, Math.min(topk, 6));
      assert.deepEqual(
        found.filter(({ id }) => ['0', '4', '8'].includes(id)),
        [],
      );
      assert.deepEqual(
        found.filter(({ score }) => Number.isNaN(score)),
        [],
      );
    }
    assert.deepEqual(await opened.duplicates({ threshold: 1 }), []);
  });

  it('that is missing, a directory, or cannot be written has a typed error', async () => {
    const missing = join(directory.path, 'missing.index');
    await assert.rejects(ImageIndex.open(missing), {
      name: 'IndexError',
      code: 'ERR_SEMISUP_INDEX_NOT_FOUND',
      value: missing,
    });
    await rejectsAsDamaged(directory.path, /it is not a file/);
    await using index = ImageIndex.create({ dimensions: 4 });
    for (const path of [join(directory.path, 'no', 'x.index'), join(directory.path, 'taken')]) {
      if (path.endsWith('taken')) await mkdir(join(path, 'x'), { recursive: true });
      await assert.rejects(index.save(path), { code: 'ERR_SEMISUP_INDEX_WRITE', value: path });
    }
    assert.deepEqual(await readdir(directory.path), ['taken']);
    await index.save(file());
  });

  it('is not written, and the previous one stays, if saving is aborted', async () => {
    const expected = await save('float32');
    await using index = ImageIndex.create({ dimensions: 2048 });
    await index.add(vectorEntries(9000, 2048));
    const controller = new AbortController();
    const saving = index.save(file(), controller);
    setTimeout(() => {
      controller.abort(new Error('stop'));
    }, 5);
    await assert.rejects(saving, /stop/);
    await assert.rejects(ImageIndex.open(file(), controller), /stop/);
    assert.deepEqual(await readdir(directory.path), ['photos.index']);
    await using opened = await ImageIndex.open(file());
    assert.deepEqual(await contentOf(opened), expected);
  });
});
