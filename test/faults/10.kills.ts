import assert from 'node:assert/strict';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { namesIn } from '../support/download';
import { OperationProcess } from './support/operation-process';
import { runHere, setting, type Case } from './support/setting';

/** In all; in each operation a quarter of them. */
const kills = Number(process.env.SEMISUP_TEST_KILLS ?? 24);

/** The kind of a name that a killed process leaves, e.g. `.lock`. */
function kindOf(name: string): string {
  return /\.(lock|part|part\.json|tmp|new|whl|pt|sha256)$/.exec(name)?.[0] ?? 'result';
}

/** Resolves when a file of a directory is created or changed. */
async function firstChange(directory: string): Promise<void> {
  const watcher = watch(directory);
  try {
    await once(watcher, 'change');
  } finally {
    watcher.close();
  }
}

/** In a process like those that are killed, which has not run it before. */
async function durationOf({ operation, env }: Case): Promise<number> {
  const process = new OperationProcess(operation, env);
  await process.isReady();
  const start = performance.now();
  process.start();
  const { result, code } = await process.outcome();
  assert.ok(result, code);
  return performance.now() - start;
}

describe(`a process that is killed at a random moment (${kills} kills)`, function () {
  this.timeout(kills * 60_000);
  const { cases } = setting();

  /** Kills processes, each followed by a run that must succeed, have the right result and leave nothing else. */
  async function killRepeatedly(one: Case): Promise<void> {
    const duration = await durationOf(one);
    const expected = await one.digest();
    assert.deepEqual(await namesIn(one.directory), one.after);

    const left: Record<string, number> = {};
    let finished = 0;
    let slowest = 0;
    let next = new OperationProcess(one.operation, one.env);
    const count = Math.ceil(kills / 4);
    for (let i = 0; i < count; i++) {
      await one.reset();
      const process = next;
      await process.isReady();
      // While this one runs, the next one loads what it needs.
      if (i < count - 1) next = new OperationProcess(one.operation, one.env);
      // In a short operation few random moments are within the writing: every second kill follows the first file.
      const written = i % 2 === 1 ? firstChange(one.directory) : undefined;
      process.start();
      if (written) await Promise.race([written, sleep(2 * duration)]);
      else await sleep(Math.random() * duration * 1.1);
      if (await process.kill()) finished++;
      for (const name of await readdir(one.directory)) {
        if (one.before.includes(name)) continue;
        left[kindOf(name)] = (left[kindOf(name)] ?? 0) + 1;
      }
      const begin = performance.now();
      await runHere(one);
      slowest = Math.max(slowest, performance.now() - begin);
      assert.equal(await one.digest(), expected);
      assert.deepEqual(await namesIn(one.directory), one.after, `after kill ${i}`);
    }
    console.log(
      `      ${count} kills within ${Math.round(duration)} ms, ${finished} after the end; left ${JSON.stringify(left)}; slowest run afterwards ${Math.round(slowest)} ms`,
    );
    assert(finished < count && Object.keys(left).some((kind) => kind !== 'result'), 'no kill hit');
    // Above the time of a lock that nobody holds, whose creator was killed while creating it.
    assert(slowest < 60_000);
  }

  it('in a download', async () => {
    await killRepeatedly(cases.download());
  });

  it('in a build of the cache', async () => {
    await killRepeatedly(await cases.build());
  });

  it('in an export', async () => {
    await killRepeatedly(await cases.export());
  });

  it('in an installation of LibTorch', async () => {
    await killRepeatedly(await cases.install());
  });
});
