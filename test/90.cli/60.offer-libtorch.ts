import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { hub } from '../../src/hub';
import { findLibTorch } from '../../src/libtorch';
import { generatedWeights } from '../support/generated-weights';
import { noPseudoTerminal, runInTerminal } from '../support/pseudo-terminal';
import { root, runNode } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

const reason = noPseudoTerminal();
const question = /LibTorch is not installed\. Download it now \(\d+ MB\)\? \[Y\/n\] /;

(reason ? describe.skip : describe)(
  `the offer to download LibTorch${reason ? ` (skipped: ${reason})` : ''}`,
  function () {
    this.timeout(120_000);
    const directory = temporaryDirectory();
    const generated = generatedWeights();
    let program: string;
    let args: string[];

    before(async () => {
      const model = join(generated.directory, 'model.pt');
      await hub.exportTorchScript('resnet18_swsl', model, { weights: generated.weights });
      args = [
        'classify',
        join(root, 'examples', 'clock.jpg'),
        '--model',
        model,
        '--plan',
        'interpreter',
      ];
      // Provides LibTorch by a link instead of a download.
      const { dir } = await findLibTorch();
      program = `
        const { libtorch, installDirectory } = require('./src/libtorch');
        libtorch.install = async ({ onProgress, signal }) => {
          if (typeof onProgress !== 'function' || signal.aborted) throw new Error('wrong options');
          const { mkdirSync, symlinkSync } = require('node:fs');
          mkdirSync(require('node:path').dirname(installDirectory('cpu')), { recursive: true });
          symlinkSync(${JSON.stringify(dir)}, installDirectory('cpu'));
        };
        require('./src/cli');`;
    });

    const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
      PATH: process.env.PATH,
      HOME: homedir(),
      XDG_CACHE_HOME: directory.path,
      ...more,
    });
    const isInstalled = () => existsSync(join(directory.path, 'semisup', 'libtorch', '2.13.0-cpu'));
    const type = (input: string, more: NodeJS.ProcessEnv = {}) =>
      runInTerminal(program, args, env(more), ['[Y/n] ', input]);

    for (const [title, input] of [
      ['Return', '\r'],
      ['YES', 'YES\r'],
    ] as const) {
      it(`downloads it after ${title}, and continues with the command`, async () => {
        const { code, stdout } = await type(input);
        assert.match(stdout, question);
        assert.match(stdout, /score .*class/);
        assert.equal(code, 0);
        assert(isInstalled());
      });
    }

    for (const [title, input] of [
      ['n', 'n\r'],
      ['any other text', 'what?\r'],
      ['Ctrl-D', '\x04'],
    ] as const) {
      it(`does not download it after ${title}, and says which command does`, async () => {
        const { code, stdout } = await type(input);
        assert.match(stdout, question);
        assert.match(
          stdout,
          /download it \(\d+ MB\): npx semisup libtorch install \(ERR_SEMISUP_LIBTORCH_NOT_FOUND\)\s*$/,
        );
        assert.equal(code, 1);
        assert(!isInstalled());
      });
    }

    it('ends with SIGINT after Ctrl-C', async () => {
      const { code, stdout } = await type('\x03');
      assert.match(stdout, question);
      assert.doesNotMatch(stdout, /ERR_SEMISUP/);
      assert.equal(code, 128 + 2);
      assert(!isInstalled());
    });

    for (const [title, more] of [
      ['in CI', { CI: 'true' }],
      ['if downloads are disabled', { SEMISUP_OFFLINE: '1' }],
    ] as const) {
      it(`is not made ${title}`, async () => {
        const { code, stdout } = await type('y\r', more);
        assert.doesNotMatch(stdout, /\[Y\/n\]/);
        assert.match(stdout, /npx semisup libtorch install \(ERR_SEMISUP_LIBTORCH_NOT_FOUND\)/);
        assert.equal(code, 1);
      });
    }

    it('is not made with --offline', async () => {
      const { stdout } = await runInTerminal(
        program,
        ['export', 'resnet18_swsl', '--offline'],
        env(),
      );
      assert.doesNotMatch(stdout, /\[Y\/n\]/);
    });

    it('is not made without a terminal', async () => {
      const { code, stdout, stderr } = await runNode(program, args, env());
      assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
      assert.doesNotMatch(stderr, /\[Y\/n\]/);
      assert.match(stderr, /npx semisup libtorch install \(ERR_SEMISUP_LIBTORCH_NOT_FOUND\)\n$/);
    });
  },
);
