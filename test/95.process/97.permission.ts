import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hub } from '../../src/hub';
import { card } from '../../src/models';
import { sha256File } from '../../src/net/hash';
import { temporaryEnvironment } from '../support/environment';
import { generatedWeights } from '../support/generated-weights';
import { libTorchDirectory } from '../support/libtorch-directory';
import { root } from '../support/run-node';
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
      const args = [flag!, ...Object.values(allowed).flat(), program];
      const { stdout, stderr } = spawnSync(process.execPath, args, {
        cwd: home,
        env: { PATH: process.env.PATH, HOME: home },
        encoding: 'utf8',
      });
      assert.notEqual(stdout, '', stderr);
      return JSON.parse(stdout) as Record<string, unknown>;
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
  },
);
