import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { builds, electronOrSkip } from '../support/builds';
import { install, switches } from '../support/installation';
import { ownLines, runElectron } from '../support/run-electron';

interface SoakResult {
  readonly completed: number;
  /** Resident memory of the utility process in MB, after a tenth of the calls and at the end. */
  readonly before: number;
  readonly after: number;
}

describe(`a long run in Electron ${builds[42].version}`, function () {
  const run = async (context: Mocha.Context, env: NodeJS.ProcessEnv): Promise<SoakResult> => {
    const electron = await electronOrSkip(context, 42);
    context.timeout(3_600_000);
    const installation = await install(electron);
    try {
      await symlink(join(__dirname, '..', 'apps', 'soak'), join(installation.resources, 'app'));
      const { code, signal, stdout, stderr } = await runElectron(
        installation.executable,
        switches,
        env,
      );
      assert.deepEqual(
        { code, signal, stderr: ownLines(stderr).slice(0, 5) },
        { code: 0, signal: null, stderr: [] },
      );
      return JSON.parse(stdout) as SoakResult;
    } finally {
      await installation.remove();
    }
  };

  it('completes 10,000 calls in one utility process without growing', async function () {
    const result = await run(this, { SOAK_CALLS: '10000', SOAK_RESTARTS: '1' });
    assert.equal(result.completed, 10_000);
    assert.ok(result.after - result.before < 50, JSON.stringify(result));
    this.test!.title += `: ${result.before} to ${result.after} MB`;
  });

  it('survives 100 restarts of the utility process', async function () {
    const result = await run(this, { SOAK_CALLS: '3', SOAK_RESTARTS: '100' });
    assert.equal(result.completed, 300);
  });
});
