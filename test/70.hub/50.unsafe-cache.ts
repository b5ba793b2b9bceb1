import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { hub } from '../../src/hub';
import { modelFile } from '../../src/hub/cache';
import { card } from '../../src/models';
import { sha256File } from '../../src/net/hash';
import { readTuning, writeTuning } from '../../src/torch/tuning-cache';
import { failure } from '../support/download';
import { temporaryEnvironment } from '../support/environment';
import { generatedWeights } from '../support/generated-weights';
import { reasonAgainstOtherUser, uid as otherUser } from '../support/other-user';
import { publishCheckpoint } from '../support/published-checkpoint';
import { runNode } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

const name = 'resnet18_swsl';
const isWindows = process.platform === 'win32';
const title = 'a cache that others can write';

(isWindows ? describe.skip : describe)(
  isWindows ? `${title} (skipped: Windows has no such permissions)` : title,
  function () {
    this.timeout(120_000);
    const directory = temporaryDirectory();
    const generated = generatedWeights();
    temporaryEnvironment(() => ({ SEMISUP_OFFLINE: '1', SEMISUP_TRUST_CACHE: undefined }));
    const published = { ...card(name).origin };
    let hubDir: string;
    let checkpoints: string;
    let checkpoint: string;
    let built: string;

    beforeEach(async () => {
      hubDir = join(directory.path, 'hub');
      checkpoints = join(hubDir, 'checkpoints');
      const files = await publishCheckpoint(name, generated.weights, hubDir);
      checkpoint = files.checkpoint;
      built = modelFile(card(name), hubDir, 'pt');
    });
    afterEach(() => {
      Object.assign(card(name).origin, published);
    });

    const load = async () => {
      await using model = await hub.load(name, { hubDir, plan: 'untuned' });
      return model.metadata.source!.sha256;
    };
    const refused = async (culprit: string) => {
      const error = await failure(load(), 'CACHE_UNSAFE');
      assert.equal(error.value, culprit);
      await failure(hub.download(name, { hubDir }), 'CACHE_UNSAFE');
    };

    it('is not used, whether the cache or a directory above it', async () => {
      for (const path of [checkpoints, hubDir]) {
        chmodSync(path, 0o777);
        await refused(path);
        chmodSync(path, 0o755);
      }
      assert.deepEqual(await readdir(checkpoints), [basename(checkpoint)]);
    });

    it('is not used if only one of its files is: the checkpoint, the model or its hash', async () => {
      chmodSync(checkpoint, 0o666);
      await refused(checkpoint);
      chmodSync(checkpoint, 0o644);
      await load();
      for (const path of [built, `${built}.sha256`]) {
        chmodSync(path, 0o666);
        await refused(path);
        chmodSync(path, 0o644);
      }
      await load();
    });

    it('is used with SEMISUP_TRUST_CACHE', async () => {
      chmodSync(checkpoints, 0o777);
      process.env.SEMISUP_TRUST_CACHE = '1';
      assert.equal(await load(), await sha256File(checkpoint));
    });

    it('is not what a umask of 0 makes', async () => {
      const { code, stderr } = await runNode(
        `process.umask(0);
         const { hub } = require('./src/hub');
         Object.assign(require('./src/models').card('${name}').origin, ${JSON.stringify(card(name).origin)});
         (async () => {
           for (let i = 0; i < 2; i++) {
             const model = await hub.load('${name}', { hubDir: ${JSON.stringify(hubDir)}, plan: 'untuned' });
             await model.close();
           }
         })();`,
      );
      assert.equal(code, 0, stderr);
      assert.equal((await stat(built)).mode & 0o777, 0o664);
    });

    it('does not lead to tuned plans, with a warning', async () => {
      const path = join(directory.path, 'semisup', 'plans', 'plan.json');
      const warnings: Error[] = [];
      const collect = (warning: Error) => warnings.push(warning);
      process.on('warning', collect);
      try {
        const tuning = { choices: { fusion: [], algorithms: [] }, measured: {} };
        await writeTuning(path, tuning as never);
        assert(existsSync(path));
        chmodSync(join(directory.path, 'semisup'), 0o777);
        assert.equal(await readTuning(path), undefined);
        await new Promise(setImmediate);
        assert.equal((warnings[0] as NodeJS.ErrnoException).code, 'SEMISUP_CACHE');
        assert.match(warnings[0]!.message, /writable by all users \(mode 777\).*measures the alg/);
      } finally {
        process.off('warning', collect);
      }
    });

    const reason = reasonAgainstOtherUser();
    (reason ? describe.skip : describe)(`as root${reason ? ` (skipped: ${reason})` : ''}`, () => {
      it('does not run a model that another user planted in a directory like /tmp', async () => {
        // Its code would run when it is loaded. The hash is right, as an attacker's would be.
        await load();
        chmodSync(checkpoints, 0o1777);
        for (const path of [built, `${built}.sha256`]) chownSync(path, otherUser, otherUser);
        await refused(built);
        // Only the hash is foreign, then only the model.
        chownSync(built, 0, 0);
        await refused(`${built}.sha256`);
        await rm(built);
        await rm(`${built}.sha256`);
        assert.equal(await load(), await sha256File(checkpoint));
      });

      it('does not use a cache of another user', async () => {
        chownSync(hubDir, otherUser, otherUser);
        await refused(hubDir);
      });
    });

    describe('of which a file is missing', () => {
      it('is completed if the model was deleted and its hash was left, and vice versa', async () => {
        const expected = await load();
        for (const path of [built, `${built}.sha256`]) {
          await rm(path);
          assert.equal(await load(), expected);
          assert.deepEqual((await readdir(checkpoints)).sort(), [
            ...[basename(built), `${basename(built)}.sha256`, basename(checkpoint)].sort(),
          ]);
        }
      });
    });
  },
);
