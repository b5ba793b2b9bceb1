import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { hub } from '../../src/hub';
import { writeConfiguration } from '../support/bundler-configuration';
import { namesIn } from '../support/download';
import { codeBlocks } from '../support/documentation';
import { generatedWeights } from '../support/generated-weights';
import { installPackages, noRegistry } from '../support/npm-registry';
import { packPackage } from '../support/packed-package';

const run = promisify(execFile);

const bundlers = ['esbuild@0.28.2', 'webpack@5.113.0', 'vite@8.4.0', '@vercel/nft@1.11.5'];

const program = `
import { Classifier, ScriptModule, Tensor } from 'semisup';

const file = process.argv[2];
const net = await ScriptModule.load(file);
const input = Tensor.from(new Float32Array(3 * 224 * 224), [1, 3, 224, 224]);
const { shape } = await net.forward(input);
const model = await Classifier.open(file);
const pixels = { data: new Uint8Array(3 * 50 * 40).fill(99), width: 50, height: 40, channels: 3 };
const [{ index, score }] = await model.classify(pixels, { topk: 1 });
console.log(JSON.stringify({ shape, index, score: score > 0 && score <= 1 }));
await model.close();
await net.close();
`;

const reason = noRegistry();

(reason ? describe.skip : describe)(
  `a bundle${reason ? ` (skipped: ${reason})` : ''}`,
  function () {
    this.timeout(600_000);
    const generated = generatedWeights();
    let directory: string;
    let app: string;
    let tools: string;
    let model: string;
    let expected: string;
    const at = (...path: string[]) => join(directory, ...path);

    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'semisup-test-'));
      [app, tools] = [at('app'), at('tools')];
      model = join(generated.directory, 'model.pt');
      await hub.exportTorchScript('resnet18_swsl', model, { weights: generated.weights });
      await installPackages(app, [packPackage(directory)]);
      await installPackages(tools, bundlers);
      await writeFile(join(app, 'app.mjs'), program);
      expected = await output(join(app, 'app.mjs'));
      const { shape, score } = JSON.parse(expected) as { shape: number[]; score: boolean };
      assert.deepEqual({ shape, score }, { shape: [1, 1000], score: true });
    });

    after(() => rm(directory, { recursive: true, force: true }));

    async function output(file: string): Promise<string> {
      const { stdout } = await run(process.execPath, [file, model], { cwd: dirname(file) });
      return stdout;
    }

    const tool = (path: string) => join(tools, 'node_modules', ...path.split('/'));

    /** Moves the bundle, with node_modules, to a directory of its own, and runs it there. */
    async function outputElsewhere(bundler: string, name: string): Promise<string> {
      const target = at(bundler);
      await rename(join(app, 'dist'), target);
      await cp(join(app, 'node_modules'), join(target, 'node_modules'), {
        recursive: true,
        verbatimSymlinks: true,
      });
      return await output(join(target, name));
    }

    it('of esbuild runs with the documented option', async () => {
      const command = codeBlocks('docs/bundlers.md').find(({ code }) =>
        code.startsWith('npx esbuild '),
      );
      const args = command!.code.split(' ').slice(2);
      await run(tool('.bin/esbuild'), args, { cwd: app });
      assert.equal(await outputElsewhere('esbuild', 'app.mjs'), expected);
    });

    it('of webpack runs with the documented configuration, without warnings', async () => {
      await writeConfiguration(app, 'webpack.config.cjs');
      const script = `
        const webpack = require(${JSON.stringify(tool('webpack'))});
        webpack({ context: process.cwd(), ...require('./webpack.config.cjs') }, (error, stats) => {
          if (error) throw error;
          console.log(stats.toString({ all: false, warnings: true, errors: true }));
        });`;
      const { stdout } = await run(process.execPath, ['--eval', script], { cwd: app });
      assert.equal(stdout.trim(), '');
      assert.equal(await outputElsewhere('webpack', 'app.cjs'), expected);
    });

    it('of Vite runs with the documented configuration', async () => {
      await writeConfiguration(app, 'vite.config.mjs');
      await run(process.execPath, [tool('vite/bin/vite.js'), 'build'], { cwd: app });
      const [file] = await namesIn(join(app, 'dist'));
      assert.equal(await outputElsewhere('vite', file!), expected);
    });

    it('of the files that nft traces is complete', async () => {
      const script = `
        const { nodeFileTrace } = require(${JSON.stringify(tool('@vercel/nft'))});
        nodeFileTrace(['app.mjs'], { base: process.cwd() }).then(({ fileList }) => {
          console.log(JSON.stringify([...fileList]));
        });`;
      const { stdout } = await run(process.execPath, ['--eval', script], { cwd: app });
      const files = JSON.parse(stdout) as string[];
      for (const file of files) {
        await cp(join(app, file), at('traced', file), { verbatimSymlinks: true });
      }
      assert.equal(await output(at('traced', 'app.mjs')), expected);
    });

    it('that contains semisup names the remedy', async () => {
      const flags = [
        '--bundle',
        '--platform=node',
        '--external:sharp',
        '--external:@napi-rs/image',
      ];
      const entry = join(app, 'inner.cjs');
      await writeFile(
        entry,
        `require('semisup').ScriptModule.load(process.argv[2]).catch(({ code, message }) => console.log(code, message));`,
      );
      const file = join(app, 'inner', 'inner.cjs');
      await run(
        tool('.bin/esbuild'),
        [entry, ...flags, '--external:node-gyp', `--outfile=${file}`],
        {
          cwd: app,
        },
      );
      const message = await output(file);
      assert.match(
        message,
        /^ERR_SEMISUP_ADDON_NOT_FOUND .* semisup was bundled into .*inner\.cjs\. Mark semisup as external/,
      );
      assert.doesNotMatch(message, /clone/);
    });
  },
);
