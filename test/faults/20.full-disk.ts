import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn } from '../support/download';
import { OperationProcess } from './support/operation-process';
import { setting, type Case } from './support/setting';

const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
const title = 'a full disk';
const tooSmall = [
  'ERR_SEMISUP_DOWNLOAD_DISK',
  'ERR_SEMISUP_MODEL_WRITE',
  'ERR_SEMISUP_LIBTORCH_INSTALL',
];

(isRoot ? describe : describe.skip)(
  isRoot ? title : `${title} (skipped: only root on Linux can mount a small disk)`,
  function () {
    this.timeout(600_000);
    let disk: string;
    // Before the directory is removed.
    afterEach(() => {
      spawnSync('umount', ['-l', disk]);
    });
    const { directory, cases } = setting();

    beforeEach(function () {
      disk = join(directory.path, 'disk');
      mkdirSync(disk);
      if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=200m', 'tmpfs', disk]).status !== 0) {
        this.currentTest!.title += ' (skipped: a file system cannot be mounted here)';
        this.skip();
      }
    });

    /** Runs an operation on disks of increasing size, in MiB. All must fail but the last one. */
    async function fill(one: Case, sizes: readonly number[], isKept: (name: string) => boolean) {
      for (const size of sizes) {
        await one.reset();
        const resized = spawnSync('mount', ['-o', `remount,size=${size}m`, disk]);
        assert.equal(resized.status, 0, String(resized.stderr));
        const process = new OperationProcess(one.operation, one.env);
        await process.isReady();
        process.start();
        const { code, result } = await process.outcome();
        const names = await namesIn(one.directory);
        if (size === sizes.at(-1)) {
          assert.ok(result, code);
          assert.deepEqual(names, one.after);
        } else if (one.operation.kind === 'build') {
          // It is built in memory instead.
          assert.equal(result, join(one.directory, one.before[0]!));
          assert.deepEqual(names, one.before);
        } else {
          assert(tooSmall.includes(code!), `${size} MiB: ${code ?? result}`);
          assert.deepEqual(
            names.filter((name) => !isKept(name)),
            one.before,
          );
        }
      }
    }

    it('fails a download, which keeps what it can resume', async () => {
      await fill(cases.download(disk), [1, 2, 3, 8], (name) => /\.part(\.json)?$/.test(name));
    });

    it('leaves a build to the memory', async () => {
      await fill(await cases.build(disk), [45, 50, 70, 89, 120], () => false);
    });

    it('fails an export', async () => {
      await fill(await cases.export(disk), [1, 10, 40, 60], () => false);
    });

    it('fails an installation of LibTorch, which keeps what it can resume', async () => {
      const isKept = (name: string) => /\.whl(\.part(\.json)?)?$/.test(name);
      await fill(await cases.install(disk), [2, 9, 12, 40], isKept);
    });
  },
);
