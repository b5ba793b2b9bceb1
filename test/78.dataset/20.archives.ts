import assert from 'node:assert/strict';
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { create, Header } from 'tar';
import { openDataset } from '../../src/dataset';
import { decode } from '../../src/image';
import { DatasetError, ImageError } from '../../src/errors';
import { temporaryDirectory } from '../support/temporary';

describe('a dataset in archives', () => {
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);

  /** Files are larger than a chunk of the reader, so that entries span chunks. */
  const contentOf = (name: string) => Buffer.alloc(300_000, name);

  const pack = async (archive: string, names: readonly string[], gzip = false) => {
    for (const name of names) {
      await mkdir(dirname(path(`in/${name}`)), { recursive: true });
      const content = name.endsWith('.cls') ? name.replace(/\D/g, '') : contentOf(name);
      await writeFile(path(`in/${name}`), content);
    }
    await create({ file: path(archive), cwd: path('in'), gzip, portable: true }, [...names]);
  };
  const read = async (name: string, skip?: (name: string) => boolean) => {
    const samples: [string, string | undefined][] = [];
    for await (const sample of (await openDataset(name)).samples({ skip })) {
      samples.push([sample.name, sample.label]);
      assert.deepEqual(sample.image, contentOf(sample.name.replace(/^.*\.tar\//, '')));
    }
    return samples;
  };
  const fails = async (code: string, message: RegExp, reading: Promise<unknown>) => {
    await assert.rejects(reading, (error: unknown) => {
      assert.ok(error instanceof DatasetError, String(error));
      assert.equal(error.code, `ERR_SEMISUP_DATASET_${code}`);
      assert.match(error.message, message);
      return true;
    });
  };
  const files = ['val/tench/a.jpg', 'val/tench/b.jpg', 'val/tabby/c.png', 'val/README.md'];
  const expected = [
    ['val/tench/a.jpg', 'tench'],
    ['val/tench/b.jpg', 'tench'],
    ['val/tabby/c.png', 'tabby'],
  ];

  it('reads .tar and .tar.gz', async () => {
    await pack('val.tar', files);
    await pack('val.tar.gz', files, true);
    assert.deepEqual(await read(path('val.tar')), expected);
    assert.deepEqual(await read(path('val.tar.gz')), expected);
  });

  it('does not return skipped files', async () => {
    await pack('val.tar', files);
    assert.deepEqual(await read(path('val.tar'), (name) => name !== 'val/tench/b.jpg'), [
      expected[1],
    ]);
  });

  it('reads WebDataset shards from a directory, a pattern and a range', async () => {
    await pack('s-000009.tar', [
      'a/001.jpg',
      'a/001.cls',
      'a/002.cls',
      'a/002.seg.png',
      'a/002.jpg',
    ]);
    await pack('s-000010.tar', ['a/001.jpg', 'a/001.cls', 'b/001.jpg']);
    const expected = [
      ['s-000009.tar/a/001.jpg', '001'],
      ['s-000009.tar/a/002.seg.png', '002'],
      ['s-000009.tar/a/002.jpg', '002'],
      ['s-000010.tar/a/001.jpg', '001'],
      ['s-000010.tar/b/001.jpg', 'b'],
    ];
    await mkdir(path('only'));
    for (const shard of ['s-000009.tar', 's-000010.tar']) {
      await writeFile(path(`only/${shard}`), await readFile(path(shard)));
    }
    assert.deepEqual(await read(path('only')), expected);
    assert.deepEqual(await read(path('s-*.tar')), expected);
    assert.deepEqual(await read(path('s-{000009..000010}.tar')), expected);
    await fails('NOT_FOUND', /s-000011.tar does not exist/, read(path('s-{000009..000011}.tar')));
  });

  it('opens images without labels, and no class files', async () => {
    await pack('s-000000.tar', ['a/001.jpg', 'a/001.cls']);
    const samples: [string, string | undefined][] = [];
    const dataset = await openDataset(path('s-000000.tar'), { labels: false });
    for await (const { name, label } of dataset.samples()) samples.push([name, label]);
    assert.deepEqual(samples, [['a/001.jpg', undefined]]);
  });

  it('tells archives of one name in two directories apart', async () => {
    await mkdir(path('all/x'), { recursive: true });
    await mkdir(path('all/y'));
    await pack('all/x/0.tar', ['tench/a.jpg']);
    await pack('all/y/0.tar', ['tench/a.jpg']);
    assert.deepEqual(await read(path('all')), [
      ['x/0.tar/tench/a.jpg', 'tench'],
      ['y/0.tar/tench/a.jpg', 'tench'],
    ]);
  });

  it('labels the files of an archive by a list and by a ground truth', async () => {
    const names = ['ILSVRC2012_val_00000002.JPEG', 'ILSVRC2012_val_00000001.JPEG'];
    await pack('val.tar', names);
    await writeFile(path('list.txt'), names.map((name, i) => `${name} ${i}\n`).join(''));
    await writeFile(path('truth.txt'), 'n01440764\nn01443537\n');
    const labels = async (file: string) => {
      const found: (string | undefined)[] = [];
      const dataset = await openDataset(path('val.tar'), { labels: path(file) });
      for await (const { label } of dataset.samples()) found.push(label);
      return found;
    };
    assert.deepEqual(await labels('list.txt'), ['0', '1']);
    assert.deepEqual(await labels('truth.txt'), ['n01443537', 'n01440764']);
  });

  it('returns what precedes the damage of an archive, then fails', async () => {
    await pack('val.tar', files);
    const whole = await readFile(path('val.tar'));
    const count = async (bytes: Buffer, message: RegExp) => {
      await writeFile(path('cut.tar'), bytes);
      const found: string[] = [];
      const reading = (async () => {
        for await (const { name } of (await openDataset(path('cut.tar'))).samples())
          found.push(name);
      })();
      await fails('TRUNCATED', message, reading);
      return found.length;
    };
    // In the middle of the second file.
    assert.equal(await count(whole.subarray(0, 500_000), /damaged or was cut short/), 1);
    // After it, where only the end marker is missing: whether its class would have followed is not known.
    const entry = 512 + Math.ceil(300_000 / 512) * 512;
    assert.equal(await count(whole.subarray(0, 2 * entry), /its end is missing/), 1);
    const gz = gzipSync(whole);
    assert.equal(await count(gz.subarray(0, gz.length - 400), /damaged or was cut short/), 2);
    const damaged = Buffer.from(whole);
    damaged.fill(255, entry, entry + 512);
    assert.equal(await count(damaged, /damaged or was cut short/), 0);
  });

  it('fails for two files of one name', async () => {
    await pack('a.tar', ['x/a.jpg']);
    const one = await readFile(path('a.tar'));
    await truncate(path('a.tar'), one.length);
    const entry = one.subarray(0, 512 + Math.ceil(300_000 / 512) * 512);
    await writeFile(path('twice.tar'), Buffer.concat([entry, one]));
    await fails('DUPLICATE', /contains the image x\/a.jpg twice/, read(path('twice.tar')));
  });

  it('does not read a huge file into memory', async () => {
    const size = 300 * 2 ** 20;
    const block = Buffer.alloc(512);
    new Header({ path: 'x/huge.jpg', size, type: 'File', mode: 0o644 }).encode(block);
    const file = path('huge.tar');
    await writeFile(file, block);
    // A sparse file, with the two blocks of zeros that end an archive.
    await truncate(file, 512 + size + 1024);
    const before = process.memoryUsage().rss;
    for await (const { image } of (await openDataset(file)).samples()) {
      await assert.rejects(decode(image), (error: unknown) => {
        return error instanceof ImageError && error.code === 'ERR_SEMISUP_IMAGE_TOO_LARGE';
      });
    }
    assert.ok(process.memoryUsage().rss - before < 2 ** 27);
  }).timeout(60_000);
});
