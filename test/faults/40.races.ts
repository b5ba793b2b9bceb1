import assert from 'node:assert/strict';
import { namesIn } from '../support/download';
import { OperationProcess } from './support/operation-process';
import { runHere, setting, type Case } from './support/setting';

/** How many processes run one operation at the same time. */
const counts = process.env.SEMISUP_TEST_KILLS ? [2, 3, 4, 6, 8] : [2, 4];

describe(`processes that race for one result (${counts.join(', ')} at once)`, function () {
  this.timeout(600_000);
  const { state, cases } = setting();

  async function race(one: Case, count: number): Promise<void> {
    await one.reset();
    const processes = Array.from(
      { length: count },
      () => new OperationProcess(one.operation, one.env),
    );
    await Promise.all(processes.map((process) => process.isReady()));
    for (const process of processes) process.start();
    const outcomes = await Promise.all(processes.map((process) => process.outcome()));
    for (const { result, code } of outcomes) assert.ok(result, code);
    assert.equal(new Set(outcomes.map(({ result }) => result)).size, 1);
    assert.deepEqual(await namesIn(one.directory), one.after);
  }

  async function raceAll(one: Case, requests?: number): Promise<void> {
    await runHere(one);
    const expected = await one.digest();
    for (const count of counts) {
      const before = state.requests;
      await race(one, count);
      assert.equal(await one.digest(), expected);
      if (requests !== undefined) assert.equal(state.requests - before, requests);
    }
  }

  it('download it once', async () => {
    await raceAll(cases.download(), 1);
  });

  it('build it', async () => {
    await raceAll(await cases.build());
  });

  it('export it', async () => {
    await raceAll(await cases.export());
  });

  it('install LibTorch once', async () => {
    await raceAll(await cases.install(), 1);
  });
});
