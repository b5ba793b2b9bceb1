import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../support/run-node';

const run = promisify(execFile);

/** The documented exports of the package. */
const exportedNames = [
  'BusyError',
  'CacheError',
  'Classifier',
  'CheckpointError',
  'DatasetError',
  'DecoderError',
  'DeviceError',
  'DisposedError',
  'DownloadError',
  'EmbeddingsError',
  'EvaluationError',
  'ImageError',
  'ImageIndex',
  'IndexError',
  'IsolationError',
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
  'TrainingError',
  'accuracyOn',
  'compareEvaluations',
  'devices',
  'evaluate',
  'finetune',
  'hub',
  'libtorch',
  'memory',
  'mergeSelections',
  'openDataset',
  'pretrain',
  'renderHeatMap',
  'renderOverlay',
  'scorePool',
  'selectImages',
  'selftrain',
  'setThreads',
  'teach',
  'versions',
  'writeReport',
  'writeSelectionReport',
  'writeTrainingReport',
];

/** Everything that the package contains; `**` is any path, `*` any name. Binaries exist only where they were made. */
const packedFiles = [
  'package.json',
  'LICENSE',
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'docs/*.md',
  'docs/images/*.jpg',
  'docs/images/*.png',
  'lib/**.js',
  'lib/**.d.ts',
  'assets/report/*',
  'examples/*',
  'examples/electron/**',
  'examples/similar/**',
  'bench/*.md',
  'bench/*.mjs',
  'bench/support/*',
  'bench/results/*',
  'prebuilds/README.md',
  // To compile the addon on a platform without a prebuilt one.
  'CMakeLists.txt',
  'binding/**.cc',
  'binding/**.h',
  'binding/*.def',
  'binding/kernels/*.cmake',
  'scripts/build-addon.mjs',
  'scripts/setup.mjs',
];
const packedBinaries = [
  'prebuilds/*/manifest.json',
  'prebuilds/*/binding.glibc.node',
  'prebuilds/*/engine.so',
  'prebuilds/*/engine.dll',
  'prebuilds/*/torch-*.so',
  'prebuilds/*/torch-*.dll',
  'prebuilds/*/cuda-*.so',
];

function isMatch(path: string, glob: string): boolean {
  const pattern = glob
    .split('**')
    .map((part) => part.replaceAll('.', '\\.').replaceAll('*', '[^/]+'));
  return new RegExp(`^${pattern.join('.+')}$`).test(path);
}

async function listPackedFiles(): Promise<string[]> {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    maxBuffer: 2 ** 26,
  });
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  return files.map(({ path }) => path);
}

describe('the package', () => {
  it('contains these files only, and some of each kind', async () => {
    const packed = await listPackedFiles();
    const globs = [...packedFiles, ...packedBinaries];
    const unexpected = packed.filter((path) => !globs.some((glob) => isMatch(path, glob)));
    const missing = packedFiles.filter((glob) => !packed.some((path) => isMatch(path, glob)));
    assert.deepEqual({ unexpected, missing }, { unexpected: [], missing: [] });
  });

  it('exports its names to require', async () => {
    const program = `console.log(Object.keys(require('semisup')).sort().join())`;
    const { stdout } = await run(process.execPath, ['--eval', program], { cwd: root });
    assert.deepEqual(stdout.trim().split(','), exportedNames.toSorted());
  });

  it('contains what README and docs link to', async () => {
    const packed = await listPackedFiles();
    for (const page of packed.filter((path) => path.endsWith('.md'))) {
      const text = readFileSync(join(root, page), 'utf8');
      for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)) {
        const path = posix.join(posix.dirname(page), target!).replace(/\/$/, '');
        const isPacked = packed.some((file) => file === path || file.startsWith(`${path}/`));
        assert.ok(isPacked, `${page} links to ${target}, which is not in the package`);
      }
    }
  });

  // Node finds the names of a CommonJS module by scanning its text, not by running it.
  it('exports its names to import', async () => {
    const program = `
      import { ${exportedNames.join(', ')} } from 'semisup';
      import * as all from 'semisup';
      console.log(Object.keys(all).join());
      console.log(hub.list('resnet18_*').length, typeof Classifier, typeof SemisupError);
    `;
    const evaluate = ['--input-type=module', '--eval', program];
    const { stdout } = await run(process.execPath, evaluate, { cwd: root });
    const [names, types] = stdout.trim().split('\n');
    const added = ['default', 'module.exports', '__esModule'];
    const own = names!.split(',').filter((name) => !added.includes(name));
    assert.deepEqual(own, exportedNames.toSorted());
    assert.equal(types, '2 function function');
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
