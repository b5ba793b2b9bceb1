import assert from 'node:assert/strict';
import { join } from 'node:path';
import nodeGypBuild from 'node-gyp-build';
import { writeFiles } from '../support/fake-libtorch';
import { root } from '../support/run-node';
import { temporaryFolder } from '../support/temporary';

interface Loader {
  open(paths: unknown): Promise<void>;
  openSync(paths: unknown): void;
}

describe('loader', () => {
  const temporary = temporaryFolder();
  let loader: Loader;
  before(() => {
    loader = nodeGypBuild(root) as Loader;
  });

  it('opens nothing where nothing is asked for', async () => {
    loader.openSync([]);
    await loader.open([]);
  });

  it("gives the linker's words for a missing library", async () => {
    const missing = join(temporary.path, 'libmissing.so');
    assert.throws(
      () => {
        loader.openSync([missing]);
      },
      new RegExp(`${missing}: .*No such file`),
    );
    await assert.rejects(loader.open([missing]), new RegExp(`${missing}: .*No such file`));
  });

  it("gives the linker's words for a text file with a library's name", async () => {
    const text = join(await writeFiles(temporary.path, { 'libtext.so': 'text' }), 'libtext.so');
    await assert.rejects(loader.open([text]), new RegExp(`${text}: (file too short|invalid)`));
  });

  it('stops at the first library that cannot be opened', async () => {
    const [first, second] = ['a.so', 'b.so'].map((name) => join(temporary.path, name));
    await assert.rejects(loader.open([first, second]), /a\.so/);
  });

  it('takes paths only', () => {
    for (const wrong of [undefined, 'path', [1], [undefined]]) {
      assert.throws(() => loader.open(wrong), TypeError);
      assert.throws(() => {
        loader.openSync(wrong);
      }, TypeError);
    }
  });

  it('opens many at once', async () => {
    const missing = join(temporary.path, 'libmissing.so');
    const openings = Array.from({ length: 50 }, () => loader.open([missing]));
    const results = await Promise.allSettled(openings);
    assert(results.every(({ status }) => status === 'rejected'));
  });
});
