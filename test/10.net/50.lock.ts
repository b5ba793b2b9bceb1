import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { setTimeout as sleep } from 'node:timers/promises';
import { LockError } from '../../src/errors';
import { withFreeLock, withLock } from '../../src/net/lock';
import type { LockHolder } from '../../src/net/lock-file';
import { ownIdentity } from '../../src/net/process-identity';
import { Child } from '../support/child';
import { failure, namesIn } from '../support/download';
import { temporaryDirectory } from '../support/temporary';

describe('withLock', () => {
  const directory = temporaryDirectory();
  const path = () => join(directory.path, 'weights.pth.lock');
  const quick = { heartbeat: 20, poll: 10, stale: 300, confirm: 50, notice: 60_000 };

  /** Writes the lock file of another process. */
  async function leaveLock(holder: Record<string, unknown> | string) {
    const text = typeof holder === 'string' ? holder : JSON.stringify(holder);
    await writeFile(path(), text);
  }
  const remoteHolder = { pid: 1, host: 'another', token: '0123456789abcdef' };

  it('returns the result of the callback and removes the lock file', async () => {
    assert.equal(await withLock(path(), () => Promise.resolve(42)), 42);
    assert.deepEqual(await namesIn(directory.path), []);
  });

  it('removes the lock file if the callback fails', async () => {
    await assert.rejects(
      withLock(path(), () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.deepEqual(await namesIn(directory.path), []);
  });

  it('runs one callback at a time', async () => {
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

  it('runs the callback of one process at a time', async () => {
    const counter = join(directory.path, 'counter');
    await writeFile(counter, '0');
    const children = [1, 2, 3].map(() => new Child('count-under-lock.ts', [path(), counter, '40']));
    await Promise.all(children.map((child) => child.ends()));
    assert.equal(await readFile(counter, 'utf8'), '120');
  });

  it('reports the holder once', async () => {
    const holders: (LockHolder | undefined)[] = [];
    const onWait = (holder: LockHolder | undefined) => void holders.push(holder);
    await withLock(path(), async () => {
      const second = withLock(path(), () => Promise.resolve(), {
        onWait,
        timing: { ...quick, notice: 20 },
      });
      await sleep(60);
      assert.equal(holders.length, 1);
      assert.equal(holders[0]!.pid, process.pid);
      return { second };
    }).then(({ second }) => second);
    assert.equal(holders.length, 1);
  });

  it('stops waiting when the signal aborts', async () => {
    await leaveLock(remoteHolder);
    const signal = AbortSignal.timeout(50);
    const waiting = withLock(path(), () => Promise.resolve(), { signal });
    await assert.rejects(waiting, (reason) => reason === signal.reason);
    assert.deepEqual(await namesIn(directory.path), ['weights.pth.lock']);
  });

  it('passes the signal to the callback', async () => {
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

  it('warns by default after two seconds, naming the holder and since when', async () => {
    const warnings: Error[] = [];
    const collect = (warning: Error) => warnings.push(warning);
    process.on('warning', collect);
    try {
      const since = '2026-01-02T03:04:05.000Z';
      await leaveLock({ ...remoteHolder, host: 'another pid:[4026531836]', since });
      const signal = AbortSignal.timeout(2_500);
      await assert.rejects(withLock(path(), () => Promise.resolve(), { signal }));
      assert.equal(warnings.length, 1);
      assert.equal((warnings[0] as NodeJS.ErrnoException).code, 'SEMISUP_LOCK');
      const expected = `Waiting for the lock ${path()}, held by process 1 on host another since ${since}.`;
      assert(warnings[0]!.message.startsWith(expected), warnings[0]!.message);
    } finally {
      process.off('warning', collect);
    }
  });

  it('says nothing about a short wait', async () => {
    const onWait = () => {
      assert.fail('it waited only briefly');
    };
    await withLock(path(), async () => {
      const second = withLock(path(), () => Promise.resolve(), {
        onWait,
        timing: { ...quick, notice: 2_000 },
      });
      await sleep(60);
      return { second };
    }).then(({ second }) => second);
  });

  const obstacles: [string, () => Promise<unknown>][] = [
    ['a link that leads nowhere', () => symlink('/nowhere/at/all', path())],
    ['a link to a file', () => symlink(__filename, path())],
    ['a directory', () => mkdir(path())],
  ];
  for (const [obstacle, create] of obstacles) {
    it(`fails at once if the lock is ${obstacle}`, async () => {
      await create();
      const before = process.cpuUsage();
      const waiting = withLock(path(), () => Promise.resolve(), { timing: quick });
      const error = await failure(waiting, 'DOWNLOAD_DISK');
      assert.match(error.message, /it is a (symbolic link|directory) instead of a lock/);
      assert(error.message.includes(path()));
      assert(process.cpuUsage(before).user < 500_000);
      assert.deepEqual(await namesIn(directory.path), ['weights.pth.lock']);
    });
  }

  it('reports a FIFO without opening it', async function () {
    if (spawnSync('mkfifo', [path()]).status !== 0) {
      this.test!.title += ' (skipped: mkfifo is missing)';
      this.skip();
    }
    const waiting = withLock(path(), () => Promise.resolve(), { timing: quick });
    assert.match((await failure(waiting, 'DOWNLOAD_DISK')).message, /not a regular file/);
  });

  describe('without waiting', () => {
    it('runs the callback only if the lock is free', async () => {
      let runs = 0;
      const count = () => {
        runs++;
        return Promise.resolve();
      };
      const run = () => withFreeLock(path(), count);
      assert(await run());
      await withLock(path(), async () => {
        assert(!(await run()));
      });
      await leaveLock(remoteHolder);
      assert(!(await run()));
      assert.equal(runs, 1);
      assert.deepEqual(await namesIn(directory.path), ['weights.pth.lock']);
    });

    it('runs it if the holder was killed', async () => {
      const child = new Child('hold-lock.ts', [path()]);
      await child.says('held');
      await child.kill();
      assert(await withFreeLock(path(), () => Promise.resolve()));
      assert.deepEqual(await namesIn(directory.path), []);
    });
  });

  describe('takeover', () => {
    it('happens immediately if another process has the id of the holder by now', async function () {
      if (process.platform !== 'linux') {
        this.test!.title += ' (skipped: only Linux says when a process started)';
        this.skip();
      }
      // The parent lives, but did not start at that time.
      const holder = { ...ownIdentity(), pid: process.ppid, start: 1, token: remoteHolder.token };
      await leaveLock(holder);
      const start = performance.now();
      await withLock(path(), () => Promise.resolve());
      assert(performance.now() - start < 1_000);
    });

    it('happens after a few heartbeats if the last one was long ago', async () => {
      await leaveLock(remoteHolder);
      await utimes(path(), new Date(0), new Date(Date.now() - 60_000));
      const start = performance.now();
      const timing = { ...quick, stale: 20_000, confirm: 200 };
      await withLock(path(), () => Promise.resolve(), { timing });
      const waited = performance.now() - start;
      assert(waited > 150 && waited < 10_000);
    });

    it('does not happen if the last heartbeat was long ago, and others follow', async () => {
      await leaveLock(remoteHolder);
      let waiting = true;
      const timing = { ...quick, stale: 20_000, confirm: 400 };
      const entered = withLock(path(), () => Promise.resolve(), { timing }).then(() => {
        waiting = false;
      });
      for (let i = 0; i < 20; i++) {
        await utimes(path(), new Date(0), new Date(Date.now() - 60_000 + i * 1_000));
        await sleep(50);
        assert(waiting);
      }
      await unlink(path());
      await entered;
    });

    it('happens immediately if the holder was killed', async () => {
      const child = new Child('hold-lock.ts', [path()]);
      await child.says('held');
      await child.kill();
      assert.deepEqual(await namesIn(directory.path), ['weights.pth.lock']);
      const start = performance.now();
      await withLock(path(), () => Promise.resolve());
      assert(performance.now() - start < 1_000);
      assert.deepEqual(await namesIn(directory.path), []);
    });

    it('happens immediately if the holder was a worker that was terminated', async function () {
      if (process.platform !== 'linux') {
        this.test!.title += ' (skipped: only Linux lists the open files of a process)';
        this.skip();
      }
      const program = `
        require('./test/support/typescript.cjs');
        const { withLock } = require('./src/net/lock');
        withLock(${JSON.stringify(path())}, () => {
          require('node:worker_threads').parentPort.postMessage('held');
          return new Promise((resolve) => setTimeout(resolve, 60_000));
        });`;
      const worker = new Worker(program, { eval: true });
      await once(worker, 'message');
      let waiting = true;
      const entered = withLock(path(), () => Promise.resolve(performance.now()), {
        timing: { ...quick, stale: 20_000 },
      });
      void entered.then(() => (waiting = false));
      await sleep(200);
      assert(waiting);
      const start = performance.now();
      await worker.terminate();
      assert((await entered) - start < 5_000);
      assert.deepEqual(await namesIn(directory.path), []);
    });

    it('by many waiters of an abandoned lock runs one callback at a time', async () => {
      const child = new Child('hold-lock.ts', [path()]);
      await child.says('held');
      await child.kill();
      const counter = join(directory.path, 'counter');
      await writeFile(counter, '0');
      const count = async () => {
        const before = Number(await readFile(counter, 'utf8'));
        await sleep(30);
        await writeFile(counter, String(before + 1));
      };
      const enter = () => withLock(path(), count, { timing: quick });
      await Promise.all(Array.from({ length: 10 }, enter));
      assert.equal(await readFile(counter, 'utf8'), '10');
      assert.deepEqual(await namesIn(directory.path), ['counter']);
    });

    it('recovers from a process that died during a takeover', async () => {
      const child = new Child('hold-lock.ts', [path()]);
      await child.says('held');
      await child.kill();
      const dead = JSON.parse(await readFile(path(), 'utf8')) as typeof remoteHolder;
      const takeover = { ...dead, token: 'fedcba9876543210' };
      await writeFile(`${path()}.${dead.token}`, JSON.stringify(takeover));
      await withLock(path(), () => Promise.resolve(), { timing: quick });
      assert.deepEqual(await namesIn(directory.path), []);
    });

    for (const left of [remoteHolder, '', 'no JSON', { ...remoteHolder, token: '../..' }]) {
      it(`happens after a timeout if the abandoned lock contains ${JSON.stringify(left)}`, async () => {
        await leaveLock(left);
        const start = performance.now();
        await withLock(path(), () => Promise.resolve(), { timing: quick });
        assert(performance.now() - start >= quick.stale * 0.9);
        assert.deepEqual(await namesIn(directory.path), []);
      });
    }

    it('does not happen while the holder refreshes the lock', async () => {
      await leaveLock(remoteHolder);
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

    it('does not happen while a long callback runs', async () => {
      let done = false;
      const longTask = async () => {
        await sleep(900);
        done = true;
      };
      const first = withLock(path(), longTask, { timing: quick });
      await sleep(20);
      assert(await withLock(path(), () => Promise.resolve(done), { timing: quick }));
      await first;
    });

    it('aborts the callback of the former holder and leaves the new lock file', async () => {
      await withLock(
        path(),
        async (signal) => {
          await leaveLock(remoteHolder);
          while (!signal.aborted) await sleep(5);
          assert(signal.reason instanceof LockError);
          assert.equal(signal.reason.code, 'ERR_SEMISUP_LOCK_LOST');
        },
        { timing: quick },
      );
      assert.deepEqual(await namesIn(directory.path), ['weights.pth.lock']);
    });
  });
});
