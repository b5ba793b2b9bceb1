import assert from 'node:assert/strict';
import { readFile, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LockError } from '../../src/errors';
import { withLock } from '../../src/net/lock';
import type { LockHolder } from '../../src/net/lock-file';
import { Child } from '../support/child';
import { namesIn } from '../support/download';
import { temporaryFolder } from '../support/temporary';

describe('Lock', () => {
  const folder = temporaryFolder();
  const path = () => join(folder.path, 'weights.pth.lock');
  const quick = { heartbeat: 20, poll: 10, stale: 300 };

  /** A lock as another process leaves or holds it. */
  async function leaveLock(holder: Record<string, unknown> | string) {
    const text = typeof holder === 'string' ? holder : JSON.stringify(holder);
    await writeFile(path(), text);
  }
  const elsewhere = { pid: 1, host: 'another', token: '0123456789abcdef' };

  it('gives what the function gives, and is gone afterwards', async () => {
    assert.equal(await withLock(path(), () => Promise.resolve(42)), 42);
    assert.deepEqual(await namesIn(folder.path), []);
  });

  it('is gone after the function has failed', async () => {
    await assert.rejects(
      withLock(path(), () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.deepEqual(await namesIn(folder.path), []);
  });

  it('lets one at a time in', async () => {
    let inside = 0;
    const enter = () =>
      withLock(
        path(),
        async () => {
          assert.equal(++inside, 1);
          await sleep(5);
          inside--;
        },
        { timing: quick },
      );
    await Promise.all(Array.from({ length: 10 }, enter));
  });

  it('lets one process at a time in', async () => {
    const counter = join(folder.path, 'counter');
    await writeFile(counter, '0');
    const children = [1, 2, 3].map(() => new Child('count-under-lock.ts', [path(), counter, '40']));
    await Promise.all(children.map((child) => child.ends()));
    assert.equal(await readFile(counter, 'utf8'), '120');
  });

  it('tells once who holds it', async () => {
    const told: (LockHolder | undefined)[] = [];
    const onWait = (holder: LockHolder | undefined) => void told.push(holder);
    await withLock(path(), async () => {
      const second = withLock(path(), () => Promise.resolve(), { onWait, timing: quick });
      await sleep(60);
      assert.equal(told.length, 1);
      assert.equal(told[0]!.pid, process.pid);
      return { second };
    }).then(({ second }) => second);
    assert.equal(told.length, 1);
  });

  it('is waited for until the signal', async () => {
    await leaveLock(elsewhere);
    const signal = AbortSignal.timeout(50);
    const waiting = withLock(path(), () => Promise.resolve(), { signal });
    await assert.rejects(waiting, (reason) => reason === signal.reason);
    assert.deepEqual(await namesIn(folder.path), ['weights.pth.lock']);
  });

  it('hands the signal on', async () => {
    const signal = AbortSignal.timeout(20);
    await withLock(
      path(),
      async (inner) => {
        while (!inner.aborted) await sleep(5);
        assert.equal(inner.reason, signal.reason);
      },
      { signal },
    );
  });

  describe('takeover', () => {
    it('happens at once where the holder was killed', async () => {
      const child = new Child('hold-lock.ts', [path()]);
      await child.says('held');
      await child.kill();
      assert.deepEqual(await namesIn(folder.path), ['weights.pth.lock']);
      const start = performance.now();
      await withLock(path(), () => Promise.resolve());
      assert(performance.now() - start < 1_000);
      assert.deepEqual(await namesIn(folder.path), []);
    });

    it('of one dead lock by many lets one at a time in', async () => {
      const child = new Child('hold-lock.ts', [path()]);
      await child.says('held');
      await child.kill();
      const counter = join(folder.path, 'counter');
      await writeFile(counter, '0');
      const count = async () => {
        const before = Number(await readFile(counter, 'utf8'));
        await sleep(30);
        await writeFile(counter, String(before + 1));
      };
      const enter = () => withLock(path(), count, { timing: quick });
      await Promise.all(Array.from({ length: 10 }, enter));
      assert.equal(await readFile(counter, 'utf8'), '10');
      assert.deepEqual(await namesIn(folder.path), ['counter']);
    });

    it('takes over from one who died in the middle of a takeover', async () => {
      const child = new Child('hold-lock.ts', [path()]);
      await child.says('held');
      await child.kill();
      const dead = JSON.parse(await readFile(path(), 'utf8')) as typeof elsewhere;
      const taking = { ...dead, token: 'fedcba9876543210' };
      await writeFile(`${path()}.${dead.token}`, JSON.stringify(taking));
      await withLock(path(), () => Promise.resolve(), { timing: quick });
      assert.deepEqual(await namesIn(folder.path), []);
    });

    for (const left of [elsewhere, '', 'no JSON', { ...elsewhere, token: '../..' }]) {
      it(`happens after missing heartbeats from ${JSON.stringify(left)}`, async () => {
        await leaveLock(left);
        const start = performance.now();
        await withLock(path(), () => Promise.resolve(), { timing: quick });
        assert(performance.now() - start >= quick.stale * 0.9);
        assert.deepEqual(await namesIn(folder.path), []);
      });
    }

    it('does not happen while the holder gives signs of life', async () => {
      await leaveLock(elsewhere);
      let waiting = true;
      const entered = withLock(path(), () => Promise.resolve(), { timing: quick }).then(() => {
        waiting = false;
      });
      for (let i = 0; i < 20; i++) {
        await sleep(40);
        await utimes(path(), new Date(), new Date());
        assert(waiting);
      }
      await unlink(path());
      await entered;
    });

    it('does not happen to a function that takes long', async () => {
      let done = false;
      const long = async () => {
        await sleep(900);
        done = true;
      };
      const first = withLock(path(), long, { timing: quick });
      await sleep(20);
      assert(await withLock(path(), () => Promise.resolve(done), { timing: quick }));
      await first;
    });

    it('ends the function of the former holder, whose lock it was, and leaves the new one', async () => {
      await withLock(
        path(),
        async (signal) => {
          await leaveLock(elsewhere);
          while (!signal.aborted) await sleep(5);
          assert(signal.reason instanceof LockError);
          assert.equal(signal.reason.code, 'ERR_SEMISUP_LOCKED');
        },
        { timing: quick },
      );
      assert.deepEqual(await namesIn(folder.path), ['weights.pth.lock']);
    });
  });
});
