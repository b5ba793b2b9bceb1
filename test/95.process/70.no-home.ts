import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { accessSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reasonAgainstOtherUser, runAsOtherUser, uid } from '../support/other-user';

const reason = reasonAgainstOtherUser();
const title = 'a user without a home directory';

(reason ? describe.skip : describe)(reason ? `${title} (skipped: ${reason})` : title, () => {
  const temporary = join(tmpdir(), `semisup-test-home-${process.pid}`);
  const cache = join(temporary, `semisup-${uid}`);

  beforeEach(() => {
    mkdirSync(temporary, { mode: 0o777 });
    spawnSync('chmod', ['1777', temporary]);
  });
  afterEach(() => {
    rmSync(temporary, { recursive: true });
  });

  const run = (program: string, env: NodeJS.ProcessEnv = {}) =>
    runAsOtherUser(program, { TMPDIR: temporary, ...env });
  const printCaches = `
    const { userCache } = require('./src/libtorch/cache-directory');
    const { hubDirectory } = require('./src/hub/cache');
    console.log(userCache() + ' ' + hubDirectory());
  `;

  it('keeps caches in a private temporary directory, with one warning', () => {
    for (const env of [{}, { HOME: '/' }]) {
      const { status, stdout, stderr } = run(printCaches, env);
      assert.equal(status, 0, stderr);
      assert.equal(stdout, `${cache}/.cache/semisup ${cache}/.cache/torch/hub`);
      assert.equal(stderr.match(/SEMISUP_NO_HOME/g)?.length, 1);
      assert.match(stderr, /Set XDG_CACHE_HOME and TORCH_HOME to writable directories\./);
    }
    assert.throws(() => {
      const { status } = spawnSync('ls', [cache], { uid: uid + 1, gid: uid + 1 });
      if (status !== 0) throw new Error('private');
    }, /private/);
    accessSync(cache);
  });

  it('needs no home directory if the environment names the caches', () => {
    const env = { XDG_CACHE_HOME: join(temporary, 'xdg') };
    const { stdout, stderr } = run(printCaches, env);
    assert.deepEqual(
      { stdout, stderr },
      { stdout: `${temporary}/xdg/semisup ${temporary}/xdg/torch/hub`, stderr: '' },
    );
  });

  it('does not use a directory that another user has created', () => {
    mkdirSync(cache, { mode: 0o777 });
    const { status, stderr } = run(printCaches);
    assert.equal(status, 1);
    assert.match(stderr, /ERR_SEMISUP_DOWNLOAD_DISK/);
    assert.match(stderr, /cannot be used: it belongs to another user\./);
  });
});
