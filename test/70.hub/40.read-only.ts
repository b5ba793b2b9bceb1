import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { hub, type HubProgress } from '../../src/hub';
import { modelFile } from '../../src/hub/cache';
import { libTorchDirectory } from '../support/libtorch-directory';
import { card } from '../../src/models';
import type { PlanMode } from '../../src/torch';
import { temporaryEnvironment } from '../support/environment';
import { generatedWeights } from '../support/generated-weights';
import { reasonAgainstOtherUser, runAsOtherUser } from '../support/other-user';
import { root, runNode } from '../support/run-node';
import { publishCheckpoint, type Origin } from '../support/published-checkpoint';
import { temporaryDirectory } from '../support/temporary';

const name = 'resnet18_swsl';
const clock = join(root, 'examples', 'clock.jpg');
const libtorch = libTorchDirectory();

/** Loads the model twice, and prints the classes and the warnings of semisup. */
const program = (origin: Origin, hubDir: string, plan: PlanMode = 'untuned') => `
  const { hub } = require('./src/hub');
  Object.assign(require('./src/models').card('${name}').origin, ${JSON.stringify(origin)});
  const warnings = [];
  process.on('warning', ({ code, message }) => warnings.push({ code, message }));
  (async () => {
    const results = [];
    for (let i = 0; i < 2; i++) {
      const model = await hub.load('${name}', {
        hubDir: ${JSON.stringify(hubDir)}, offline: true, threads: 1, plan: '${plan}',
      });
      results.push((await model.classify(${JSON.stringify(clock)})).map(({ index }) => index));
      await model.close();
    }
    console.log(JSON.stringify({ results, warnings }));
  })();
`;

interface Output {
  readonly results: number[][];
  readonly warnings: { readonly code: string; readonly message: string }[];
}

describe('a cache that cannot be written', function () {
  this.timeout(120_000);
  const directory = temporaryDirectory();
  const generated = generatedWeights();
  temporaryEnvironment(() => ({ SEMISUP_OFFLINE: '1' }));
  const published = { ...card(name).origin };
  let origin: Origin;
  let hubDir: string;
  let checkpoints: string;
  let checkpoint: string;

  beforeEach(async () => {
    hubDir = join(directory.path, 'hub');
    checkpoints = join(hubDir, 'checkpoints');
    ({ checkpoint, origin } = await publishCheckpoint(name, generated.weights, hubDir));
    // For the other user, who must not be able to write.
    await chmod(directory.path, 0o755);
  });
  afterEach(() => {
    Object.assign(card(name).origin, published);
  });

  const torchScript = () => basename(modelFile(card(name), hubDir, 'pt'));
  const prepared = () => [torchScript(), `${torchScript()}.sha256`, 'weights.safetensors'].sort();

  it('serves hub.load after hub.download, which builds the TorchScript file', async () => {
    const events: HubProgress[] = [];
    const onProgress = (event: HubProgress) => events.push(event);
    assert.equal(await hub.download(name, { hubDir, onProgress }), checkpoint);
    assert.deepEqual(new Set(events.map(({ phase }) => phase)), new Set(['build']));
    assert.equal(events.at(-1)!.received, events.at(-1)!.total);
    const files = (await readdir(checkpoints)).filter((file) => !file.endsWith('.semisup'));
    assert.deepEqual(files.sort(), prepared());
    await rm(checkpoint);
    await using model = await hub.load(name, { hubDir });
    assert.equal(model.metadata.name, name);
  });

  it('is prepared by hub.download as far as possible without LibTorch', async () => {
    const { code, stdout, stderr } = await runNode(
      `const { hub } = require('./src/hub');
       Object.assign(require('./src/models').card('${name}').origin, ${JSON.stringify(origin)});
       hub.download('${name}', { hubDir: ${JSON.stringify(hubDir)} }).then(console.log);`,
      [],
      { ...process.env, SEMISUP_LIBTORCH: '/nowhere' },
    );
    assert.deepEqual({ code, stdout }, { code: 0, stdout: `${checkpoint}\n` }, stderr);
    assert.match(
      stderr,
      /\[SEMISUP_CACHE\] Warning: Only the checkpoint of resnet18_swsl was prep/,
    );
    assert.match(stderr, /\(ERR_SEMISUP_LIBTORCH_NOT_FOUND\)/);
  });

  const reason = reasonAgainstOtherUser([libtorch]);
  const title = 'as another user';
  (reason ? describe.skip : describe)(reason ? `${title} (skipped: ${reason})` : title, () => {
    const run = (plan?: PlanMode): Output => {
      const cache = join(directory.path, 'xdg');
      const env = {
        SEMISUP_LIBTORCH: libtorch,
        XDG_CACHE_HOME: cache,
        TMPDIR: join(directory.path, 'tmp'),
      };
      const { status, stdout, stderr } = runAsOtherUser(program(origin, hubDir, plan), env);
      assert.equal(status, 0, stderr);
      return JSON.parse(stdout) as Output;
    };
    const expected = async () => {
      await using model = await hub.load(name, { weights: checkpoint, plan: 'untuned' });
      return (await model.classify(clock)).map(({ index }) => index);
    };

    beforeEach(() => {
      // Directories that the other user can write.
      for (const name of ['xdg', 'tmp']) {
        spawnSync('mkdir', ['-m', '777', join(directory.path, name)]);
      }
    });

    it('serves hub.load without a warning after hub.download', async () => {
      await hub.download(name, { hubDir });
      const { results, warnings } = run();
      const classes = await expected();
      assert.deepEqual({ results, warnings }, { results: [classes, classes], warnings: [] });
    });

    it('is replaced by memory after hub.load has failed to write, with one warning', async () => {
      const { results, warnings } = run();
      const classes = await expected();
      assert.deepEqual(results, [classes, classes]);
      assert.deepEqual(
        warnings.map(({ code }) => code),
        ['SEMISUP_CACHE'],
      );
      assert.match(warnings[0]!.message, /\.pt\.lock could not be written: EACCES: permission den/);
      assert.match(warnings[0]!.message, /Run 'npx semisup download resnet18_swsl' once where/);
      assert.deepEqual(await readdir(checkpoints), ['weights.safetensors']);
    });

    it('is replaced by memory if its TorchScript file cannot be read', async () => {
      await hub.download(name, { hubDir });
      chmodSync(join(checkpoints, torchScript()), 0o600);
      const { results, warnings } = run();
      assert.equal(results.length, 2);
      assert.match(warnings[0]!.message, /EACCES/);
    });

    it('is not needed for the tuning of plans, which is measured again, with one warning', async () => {
      await hub.download(name, { hubDir });
      chmodSync(join(directory.path, 'xdg'), 0o555);
      const { results, warnings } = run('auto');
      assert.equal(results.length, 2);
      assert.deepEqual(
        warnings.map(({ code }) => code),
        ['SEMISUP_CACHE'],
      );
      assert.match(warnings[0]!.message, /semisup.plans.*EACCES.*measures the algorithms of its/);
    });
  });

  const full = process.platform === 'linux' && process.getuid?.() === 0;
  const fullTitle = 'because its disk is full';
  (full ? describe : describe.skip)(
    full ? fullTitle : `${fullTitle} (skipped: only root on Linux can mount a small disk)`,
    () => {
      let disk: string;

      beforeEach(async function () {
        disk = join(directory.path, 'disk');
        await mkdir(disk);
        const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', disk]);
        if (status !== 0) {
          this.currentTest!.title += ' (skipped: a file system cannot be mounted here)';
          this.skip();
        }
        await mkdir(join(disk, 'checkpoints'));
        await copyFile(generated.weights, join(disk, 'checkpoints', 'weights.safetensors'));
      });
      afterEach(() => {
        if (existsSync(join(disk, 'checkpoints'))) spawnSync('umount', [disk]);
      });

      const run = async (): Promise<Output> => {
        const { code, stdout, stderr } = await runNode(program(origin, disk));
        assert.equal(code, 0, stderr);
        return JSON.parse(stdout) as Output;
      };

      it('is replaced by memory, and keeps no temporary file', async () => {
        const { results, warnings } = await run();
        assert.equal(results.length, 2);
        assert.equal(warnings.filter(({ code }) => code === 'SEMISUP_CACHE').length, 1);
        assert.match(warnings[0]!.message, /could not be written/);
        assert.deepEqual(await readdir(join(disk, 'checkpoints')), ['weights.safetensors']);
      });

      it('keeps no lock file that has no content', async () => {
        const filler = Buffer.alloc(1 << 20);
        await assert.rejects(async () => {
          for (let i = 0; ; i++) await writeFile(join(disk, `filler-${i}`), filler);
        }, /ENOSPC/);
        const { results, warnings } = await run();
        assert.equal(results.length, 2);
        assert.match(warnings[0]!.message, /\.lock could not be written: ENOSPC/);
        assert.deepEqual(await readdir(join(disk, 'checkpoints')), ['weights.safetensors']);
      });
    },
  );
});
