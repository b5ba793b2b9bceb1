import assert from 'node:assert/strict';
import { join } from 'node:path';
import nodeGypBuild from 'node-gyp-build';
import { writeFiles } from '../support/fake-libtorch';
import { root, runNode } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

interface Loader {
  open(paths: unknown): Promise<void>;
  openSync(paths: unknown): void;
  directory(): { chosen?: string; current?: string };
  chooseDirectory(dir: unknown): boolean;
  acquireDirectory(dir: unknown): boolean;
  releaseDirectory(isOpen: unknown): void;
}

describe('loader', () => {
  const directory = temporaryDirectory();
  let loader: Loader;
  before(() => {
    loader = nodeGypBuild(root) as Loader;
  });

  it('accepts an empty list of libraries', async () => {
    loader.openSync([]);
    await loader.open([]);
  });

  it('reports the dynamic linker error for a missing library', async () => {
    const missing = join(directory.path, 'libmissing.so');
    assert.throws(
      () => {
        loader.openSync([missing]);
      },
      new RegExp(`${missing}: .*No such file`),
    );
    await assert.rejects(loader.open([missing]), new RegExp(`${missing}: .*No such file`));
  });

  it('reports the dynamic linker error for a text file', async () => {
    const text = join(await writeFiles(directory.path, { 'libtext.so': 'text' }), 'libtext.so');
    await assert.rejects(loader.open([text]), new RegExp(`${text}: (file too short|invalid)`));
  });

  it('stops at the first library that fails to open', async () => {
    const [first, second] = ['a.so', 'b.so'].map((name) => join(directory.path, name));
    await assert.rejects(loader.open([first, second]), /a\.so/);
  });

  it('rejects arguments that are not arrays of paths', () => {
    for (const invalid of [undefined, 'path', [1], [undefined]]) {
      assert.throws(() => loader.open(invalid), TypeError);
      assert.throws(() => {
        loader.openSync(invalid);
      }, TypeError);
    }
  });

  it('handles many concurrent calls', async () => {
    const missing = join(directory.path, 'libmissing.so');
    const openings = Array.from({ length: 50 }, () => loader.open([missing]));
    const results = await Promise.allSettled(openings);
    assert(results.every(({ status }) => status === 'rejected'));
  });

  it('keeps one directory per process', async () => {
    const { stdout } = await runNode(`
      const loader = require('node-gyp-build')('.');
      const results = [];
      const step = (name, ...args) => results.push(loader[name](...args) ?? loader.directory());
      step('directory');
      step('chooseDirectory', '/a');
      step('directory');
      step('acquireDirectory', '/b');
      step('acquireDirectory', '/c');
      step('chooseDirectory', '/c');
      step('releaseDirectory', false);
      step('chooseDirectory', '/c');
      step('acquireDirectory', '/d');
      step('acquireDirectory', '/d');
      step('releaseDirectory', true);
      step('releaseDirectory', false);
      step('chooseDirectory', '/d');
      step('acquireDirectory', '/e');
      console.log(JSON.stringify(results));`);
    assert.deepEqual(JSON.parse(stdout), [
      {},
      true,
      { chosen: '/a' },
      true, // The attempt to open /b.
      false,
      false,
      { chosen: '/a' },
      true,
      true,
      true, // Two threads open /d.
      { chosen: '/c', current: '/d' },
      { chosen: '/c', current: '/d' },
      true,
      false,
    ]);
  });

  it('rejects directories that are not strings', () => {
    for (const name of ['chooseDirectory', 'acquireDirectory', 'releaseDirectory'] as const) {
      for (const invalid of [undefined, 1, {}]) {
        assert.throws(() => loader[name](invalid), TypeError);
      }
    }
  });
});
