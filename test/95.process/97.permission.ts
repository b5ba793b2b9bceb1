import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hub } from '../../src/hub';
import { card } from '../../src/models';
import { sha256File } from '../../src/net/hash';
import { temporaryEnvironment } from '../support/environment';
import { generatedWeights } from '../support/generated-weights';
import { readTypeScript } from '../support/layers';
import { libTorchDirectory } from '../support/libtorch-directory';
import { root } from '../support/run-node';
import { saveClassifier } from '../support/slot-models';
import { temporaryDirectory } from '../support/temporary';

const flag = ['--permission', '--experimental-permission'].find((name) =>
  process.allowedNodeEnvironmentFlags.has(name),
);
const title = "Node's permission model";
const name = 'resnet18_swsl';

(flag ? describe : describe.skip)(
  flag ? title : `${title} (skipped: not in this Node)`,
  function () {
    this.timeout(120_000);
    const directory = temporaryDirectory();
    const generated = generatedWeights();
    temporaryEnvironment(() => ({ SEMISUP_OFFLINE: '1' }));
    const published = { ...card(name).origin };
    let home: string;
    let program: string;
    let image: string;

    beforeEach(async () => {
      home = await realpath(directory.path);
      const checkpoints = join(home, '.cache', 'torch', 'hub', 'checkpoints');
      await mkdir(checkpoints, { recursive: true });
      await mkdir(join(home, '.cache', 'semisup', 'libtorch'), { recursive: true });
      await symlink(libTorchDirectory(), join(home, '.cache/semisup/libtorch/2.13.0-cpu'));
      const checkpoint = join(checkpoints, 'weights.safetensors');
      await copyFile(generated.weights, checkpoint);
      const sha256Prefix = (await sha256File(checkpoint)).slice(0, 8);
      const origin = { file: 'weights.safetensors', sha256Prefix };
      Object.assign(card(name).origin, origin);
      await hub.download(name, { hubDir: join(home, '.cache', 'torch', 'hub') });
      image = join(home, 'image.jpg');
      await copyFile(join(root, 'examples', 'clock.jpg'), image);
      program = join(home, 'program.cjs');
      await writeFile(
        program,
        `const { hub } = require(${JSON.stringify(root)});
       Object.assign(hub.info('${name}').origin, ${JSON.stringify(origin)});
       (async () => {
         const model = await hub.load('${name}', { threads: 1, plan: 'untuned' });
         const [best] = await model.classify(${JSON.stringify(image)});
         await model.close();
         return { index: best.index };
       })().catch(({ name, code, message }) => ({ name, code, message }))
         .then((result) => console.log(JSON.stringify(result)));`,
      );
    });
    afterEach(() => {
      Object.assign(card(name).origin, published);
    });

    /** The flags of docs/platforms.md. */
    const flags = () => ({
      addons: ['--allow-addons'],
      package: [root, program].map((path) => `--allow-fs-read=${path}`),
      alpine: ['--allow-fs-read=/etc/alpine-release'],
      libtorch: [join(home, '.cache', 'semisup'), libTorchDirectory()].map(
        (path) => `--allow-fs-read=${path}`,
      ),
      checkpoints: [`--allow-fs-read=${join(home, '.cache', 'torch')}`],
      image: [`--allow-fs-read=${image}`],
    });

    function run(omitted?: keyof ReturnType<typeof flags>): Record<string, unknown> {
      const allowed = { ...flags(), ...(omitted && { [omitted]: [] }) };
      return runProgram([...Object.values(allowed).flat(), program]);
    }

    /** Returns what the program prints. */
    function runProgram(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
      const { stdout, stderr } = spawnSync(process.execPath, [flag!, ...args], {
        cwd: home,
        env: { PATH: process.env.PATH, HOME: home, ...env },
        encoding: 'utf8',
      });
      assert.notEqual(stdout, '', stderr);
      return JSON.parse(stdout) as Record<string, unknown>;
    }

    /** Runs a function body with all flags that concern files, and others. */
    async function runBody(
      body: string,
      others: readonly string[],
      env: NodeJS.ProcessEnv = {},
    ): Promise<Record<string, unknown>> {
      const { addons, ...files } = flags();
      await writeFile(
        program,
        `const { Classifier, hub, libtorch } = require(${JSON.stringify(root)});
         (async () => { ${body} })().catch(({ name, code, message }) => ({ name, code, message }))
           .then((result) => console.log(JSON.stringify(result)));`,
      );
      const write = `--allow-fs-write=${home}`;
      const read = `--allow-fs-read=${home}`;
      return runProgram(
        [...addons, ...Object.values(files).flat(), read, write, ...others, program],
        env,
      );
    }

    it('allows hub.load and classify with the documented flags', () => {
      assert.deepEqual(Object.keys(run()), ['index']);
    });

    const missing: [keyof ReturnType<typeof flags>, string, () => string][] = [
      ['addons', 'ERR_SEMISUP_PERMISSION', () => '--allow-addons'],
      [
        'libtorch',
        'ERR_SEMISUP_LIBTORCH_NOT_FOUND',
        () => `--allow-fs-read=${home}/.cache/semisup/`,
      ],
      ['checkpoints', 'ERR_SEMISUP_DOWNLOAD_DISK', () => `--allow-fs-read=${home}/.cache/torch/`],
      ['image', 'ERR_SEMISUP_IMAGE_DECODE', () => `--allow-fs-read=${image}`],
    ];
    for (const [omitted, code, expected] of missing) {
      it(`names the flag and the path if the permission for ${omitted} is missing`, () => {
        const error = run(omitted);
        assert.equal(error.code, code, String(error.message));
        assert.ok(
          String(error.message).includes(`tart Node with ${expected()}`),
          String(error.message),
        );
      });
    }

    it('names the file that finds the addon', () => {
      const { code, message } = run('alpine');
      assert.equal(code, 'ERR_SEMISUP_PERMISSION');
      assert.match(String(message), /Start Node with --allow-fs-read=\/etc\/alpine-release/);
    });

    describe('for child processes', () => {
      const allowed = '--allow-child-process';
      const namesFlag = ({ code, message }: Record<string, unknown>, expected: string) => {
        assert.equal(code, expected, String(message));
        assert.match(String(message), /tart Node with --allow-child-process/);
      };

      it('names the flag if it is missing for an isolated model, which works with it', async () => {
        const path = join(home, 'one.pt');
        await saveClassifier(path, 1);
        const body = `
          const model = await Classifier.open(${JSON.stringify(path)}, { isolate: true, plan: 'untuned' });
          const pixels = { data: Buffer.alloc(48, 200), width: 4, height: 4, channels: 3 };
          const [best] = await model.classify(pixels);
          await model.close();
          return { index: best.index };`;
        namesFlag(await runBody(body, []), 'ERR_SEMISUP_PERMISSION');
        assert.deepEqual(await runBody(body, [allowed]), { index: 1 });
      });

      it('names the flag if it is missing for the Python whose PyTorch is to be used', async () => {
        await rm(join(home, '.cache/semisup/libtorch/2.13.0-cpu'));
        const python = { LIBTORCH_USE_PYTORCH: '1' };
        namesFlag(
          await runBody(`await hub.load('${name}');`, [], python),
          'ERR_SEMISUP_LIBTORCH_NOT_FOUND',
        );
      });

      it('names the flag if it is missing for pip', async () => {
        const body = `await libtorch.install({ variant: 'cpu', dir: ${JSON.stringify(join(home, 'new'))} });`;
        // Nothing listens on this port.
        const mirror = { SEMISUP_LIBTORCH_MIRROR: 'http://127.0.0.1:9', SEMISUP_OFFLINE: '0' };
        const network = ['--allow-net'].filter((one) =>
          process.allowedNodeEnvironmentFlags.has(one),
        );
        namesFlag(await runBody(body, network, mirror), 'ERR_SEMISUP_LIBTORCH_INSTALL');
      });

      // `hub.load` of the baseline asks npm for the registry, too; without npm, it reads `npm_config_…` instead.
    });

    const restrictsNetwork = process.allowedNodeEnvironmentFlags.has('--allow-net');
    const networkTest = 'names the flag if it is missing for a download';
    (restrictsNetwork ? it : it.skip)(
      restrictsNetwork ? networkTest : `${networkTest} (skipped: this Node does not restrict it)`,
      async () => {
        await rm(join(home, '.cache/torch'), { recursive: true });
        const { code, message } = await runBody(`return await hub.download('${name}');`, [], {
          SEMISUP_WEIGHTS_MIRROR: 'http://127.0.0.1:9',
          SEMISUP_OFFLINE: '0',
        });
        assert.match(String(code), /^ERR_SEMISUP_DOWNLOAD_/, String(message));
        assert.match(String(message), /tart Node with --allow-net/);
      },
    );

    it('needs --allow-worker for workers of the application only, because the package starts none', async () => {
      const files = await readTypeScript(join(root, 'src'));
      assert.ok(files.length > 100);
      const importers = files.filter(({ written }) =>
        written.some((one) => /worker_threads|cluster/.test(one)),
      );
      assert.deepEqual(importers, []);
    });
  },
);
