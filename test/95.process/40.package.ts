import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../support/run-node';

const run = promisify(execFile);

/** The documented exports of the package. */
const exportedNames = [
  'Classifier',
  'CheckpointError',
  'DecoderError',
  'DeviceError',
  'DisposedError',
  'DownloadError',
  'ImageError',
  'LibTorchError',
  'LockError',
  'ModelError',
  'ModelSlot',
  'OptionError',
  'PermissionError',
  'ScriptError',
  'ScriptModule',
  'SemisupError',
  'SwapError',
  'Tensor',
  'TensorError',
  'devices',
  'hub',
  'memory',
  'setThreads',
  'versions',
];

describe('the package', () => {
  it('exports its names to require', async () => {
    const program = `console.log(Object.keys(require('semisup')).sort().join())`;
    const { stdout } = await run(process.execPath, ['--eval', program], { cwd: root });
    assert.deepEqual(stdout.trim().split(','), exportedNames.toSorted());
  });

  it('contains what README and docs link to', async () => {
    const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
      maxBuffer: 2 ** 26,
    });
    const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
    const packed = files.map(({ path }) => path);
    for (const page of packed.filter((path) => path.endsWith('.md'))) {
      const text = readFileSync(join(root, page), 'utf8');
      for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)) {
        const path = posix.join(posix.dirname(page), target!).replace(/\/$/, '');
        const isPacked = packed.some((file) => file === path || file.startsWith(`${path}/`));
        assert.ok(isPacked, `${page} links to ${target}, which is not in the package`);
      }
    }
  });

  it('exports its names to import', async () => {
    const program = `
      import { hub, Classifier, SemisupError } from 'semisup';
      console.log(hub.list('resnet18_*').length, typeof Classifier, typeof SemisupError);
    `;
    const evaluate = ['--input-type=module', '--eval', program];
    const { stdout } = await run(process.execPath, evaluate, { cwd: root });
    assert.equal(stdout.trim(), '2 function function');
  });

  it('does not load LibTorch when it is imported', async function () {
    if (process.platform !== 'linux') {
      this.test!.title += ' (skipped: only Linux lists the files that a process has mapped)';
      this.skip();
    }
    const program = `
      require('semisup').hub.help('resnet50_swsl');
      const { readFileSync } = require('node:fs');
      console.log(/libtorch/.test(readFileSync('/proc/self/maps', 'utf8')));
    `;
    const { stdout } = await run(process.execPath, ['--eval', program], { cwd: root });
    assert.equal(stdout.trim(), 'false');
  });
});
