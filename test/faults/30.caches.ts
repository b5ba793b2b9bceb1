import assert from 'node:assert/strict';
import { chmodSync, chownSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { failure, namesIn } from '../support/download';
import { libTorchDirectory } from '../support/libtorch-directory';
import { reasonAgainstOtherUser, uid as otherUser } from '../support/other-user';
import { OperationProcess } from './support/operation-process';
import { runHere, setting, type Case } from './support/setting';

const reason = reasonAgainstOtherUser([libTorchDirectory()]);
const title = 'a cache of several users';

(reason ? describe.skip : describe)(reason ? `${title} (skipped: ${reason})` : title, function () {
  this.timeout(300_000);
  const { directory, cases } = setting();
  let temporary: string;

  beforeEach(async () => {
    chmodSync(directory.path, 0o755);
    temporary = join(directory.path, 'tmp');
    await mkdir(temporary);
    chmodSync(temporary, 0o1777);
  });

  /** In directories of their own, one after the other: they share the server. */
  async function* each(...kinds: ('download' | 'build' | 'install')[]): AsyncGenerator<Case> {
    for (const kind of kinds) yield await cases[kind](join(directory.path, kind));
  }

  const runAsOther = async (one: Case) => {
    const env = { ...one.env, HOME: temporary, TMPDIR: temporary };
    const process = new OperationProcess(
      one.operation,
      { SEMISUP_LIBTORCH: libTorchDirectory(), ...env },
      otherUser,
    );
    await process.isReady();
    process.start();
    return await process.outcome();
  };

  it('serves another user what root has prepared, who cannot change it', async () => {
    for await (const one of each('download', 'build')) {
      const path = await runHere(one);
      assert.deepEqual(await runAsOther(one), { result: path });
      assert.deepEqual(await namesIn(one.directory), one.after);
    }
  });

  it('fails with the path for another user, if it is empty', async () => {
    for await (const one of each('download', 'install')) {
      assert.deepEqual(await runAsOther(one), { code: 'ERR_SEMISUP_DOWNLOAD_DISK' });
      assert.deepEqual(await namesIn(one.directory), one.before);
    }
    const build = await cases.build();
    const { result } = await runAsOther(build);
    assert.equal(result, join(build.directory, build.before[0]!));
  });

  it('is not used if it belongs to another user, or all can write it', async () => {
    for await (const one of each('download', 'build', 'install')) {
      for (const [uid, mode] of [
        [otherUser, 0o755],
        [0, 0o777],
      ] as const) {
        chownSync(one.directory, uid, uid);
        chmodSync(one.directory, mode);
        assert.equal((await failure(runHere(one), 'CACHE_UNSAFE')).value, one.directory);
        chownSync(one.directory, 0, 0);
        chmodSync(one.directory, 0o755);
        assert.deepEqual(await namesIn(one.directory), one.before);
      }
      await runHere(one);
    }
  });

  it('is shared like /tmp, as long as each uses only what is its own', async () => {
    const one = cases.download();
    chmodSync(one.directory, 0o1777);
    assert.ok((await runAsOther(one)).result);
    await failure(runHere(one), 'CACHE_UNSAFE');
    await one.reset();
    await runHere(one);
    assert.ok((await runAsOther(one)).result);
    await rm(temporary, { recursive: true });
  });
});
