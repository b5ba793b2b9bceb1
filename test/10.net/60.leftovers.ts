import assert from 'node:assert/strict';
import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { removeLeftovers } from '../../src/net/leftovers';
import { withLock } from '../../src/net/lock';
import { ownIdentity } from '../../src/net/process-identity';
import { removeAbandoned, temporaryPath } from '../../src/net/temporary-file';
import { Child } from '../support/child';
import { namesIn } from '../support/download';
import { runNode } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

describe('the temporary files of killed writers', () => {
  const directory = temporaryDirectory();
  const target = () => join(directory.path, 'model.pt');

  /** The path that a process which has exited would have written to. */
  async function pathOfAnotherProcess(): Promise<string> {
    const { stdout } = await runNode(
      `console.log(require('./src/net/temporary-file').temporaryPath(process.argv[1]))`,
      [target()],
    );
    return stdout.trim();
  }

  it('are removed before the same file is written again; those of live ones are kept', async () => {
    const dead = await pathOfAnotherProcess();
    const alive = temporaryPath(target());
    const other = `${target()}2${dead.slice(target().length)}`;
    const userFile = `${target()}.notes.tmp`;
    for (const path of [dead, alive, other, userFile]) await writeFile(path, '');
    await removeAbandoned(target());
    const kept = [alive, other, userFile].map((path) => path.slice(directory.path.length + 1));
    assert.deepEqual(await namesIn(directory.path), kept.sort());
  });

  it('are removed if another process has the id of the writer by now', async function () {
    if (process.platform !== 'linux') {
      this.test!.title += ' (skipped: only Linux says when a process started)';
      this.skip();
    }
    const { pid, start } = ownIdentity();
    await writeFile(temporaryPath(target()).replace(`.${pid}-${start}-`, `.${pid}-1-`), '');
    await removeAbandoned(target());
    assert.deepEqual(await namesIn(directory.path), []);
  });

  it('of another host are removed once they have not grown for an hour', async () => {
    const path = temporaryPath(target()).replace(/-[0-9a-f]{8}-/, '-00000000-');
    await writeFile(path, '');
    await removeAbandoned(target());
    assert.equal((await namesIn(directory.path)).length, 1);
    const old = new Date(Date.now() - 3_700_000);
    await utimes(path, old, old);
    await removeAbandoned(target());
    assert.deepEqual(await namesIn(directory.path), []);
  });
});

describe('removeLeftovers', () => {
  const directory = temporaryDirectory();
  const lock = () => join(directory.path, 'model.lock');
  const isLeftover = (name: string) => name === 'model.new';

  beforeEach(async () => {
    await mkdir(join(directory.path, 'model.new', 'deeper'), { recursive: true });
    await writeFile(join(directory.path, 'kept'), '');
  });

  it('keeps the files of a process that is creating the lock', async () => {
    const creating = temporaryPath(lock());
    await writeFile(creating, '');
    await removeLeftovers(lock(), (name) => name.endsWith('.new') || name.endsWith('.tmp'));
    assert.deepEqual(await namesIn(directory.path), ['kept', basename(creating)]);
  });

  it('removes the files and directories that a killed process left, and its lock', async () => {
    const child = new Child('hold-lock.ts', [lock()]);
    await child.says('held');
    await child.kill();
    const dead = await readFile(lock(), 'utf8');
    // Of a process that was killed during a takeover.
    await writeFile(`${lock()}.0123456789abcdef`, dead);
    await removeLeftovers(lock(), isLeftover);
    assert.deepEqual(await namesIn(directory.path), ['kept']);
  });

  it('removes nothing while a live process holds the lock', async () => {
    await withLock(lock(), async () => {
      await removeLeftovers(lock(), isLeftover);
      assert.deepEqual(await namesIn(directory.path), ['kept', 'model.lock', 'model.new']);
    });
  });

  it('removes an empty lock, of a process that was killed while it created it, after 30 seconds', async () => {
    await writeFile(lock(), '');
    await removeLeftovers(lock(), isLeftover);
    assert.deepEqual(await namesIn(directory.path), ['kept', 'model.lock', 'model.new']);
    const old = new Date(Date.now() - 31_000);
    await utimes(lock(), old, old);
    await removeLeftovers(lock(), isLeftover);
    assert.deepEqual(await namesIn(directory.path), ['kept']);
  });

  it('ignores a directory that does not exist', async () => {
    await removeLeftovers(join(directory.path, 'none', 'model.lock'), isLeftover);
  });
});
