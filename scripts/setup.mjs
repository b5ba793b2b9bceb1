// Sets up a clone: compiles TypeScript to lib/, finds or downloads LibTorch, compiles the addon into build/.
// `npm install` runs it in a clone (never for the published package); `--native` skips TypeScript.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const root = dirname(dirname(fileURLToPath(import.meta.url)));

try {
  if (!process.argv.includes('--native')) compileTypeScript();
  const libtorch = await provideLibTorch();
  compileAddon(libtorch.dir);
} catch (error) {
  console.error(`\n${error.message}\n`);
  process.exitCode = 1;
}

function compileTypeScript() {
  step('Compiling TypeScript');
  run(require.resolve('typescript/bin/tsc'), ['-p', 'tsconfig.build.json']);
}

/** Returns a LibTorch with headers: the one that will be used, or else the pinned one, downloaded. */
async function provideLibTorch() {
  const { findLibTorch, installLibTorch } = require(join(root, 'lib', 'libtorch'));
  const found = await findLibTorch().catch((error) => {
    if (error.code === 'ERR_SEMISUP_LIBTORCH_NOT_FOUND' && !isConfigured()) return undefined;
    throw error;
  });
  if (found?.headers) {
    step(`LibTorch ${found.version} ${found.variant} in ${found.dir} (${found.source})`);
    return found;
  }
  if (found && isConfigured()) {
    throw new Error(
      `LibTorch in ${found.dir} (${found.source}) has no include directory, which is required to compile the addon. Set ${found.source} to a LibTorch with headers, or unset it.`,
    );
  }
  step(found ? 'Downloading the headers of LibTorch' : 'Downloading LibTorch');
  const bar = await progressBar();
  try {
    return await installLibTorch({
      variant: found?.variant,
      headers: true,
      onProgress: bar.update,
    });
  } finally {
    bar.stop();
  }
}

function isConfigured() {
  return Boolean(process.env.SEMISUP_LIBTORCH || process.env.LIBTORCH);
}

function compileAddon(libtorch) {
  step('Compiling the addon');
  const cmakeJs = require.resolve('cmake-js/bin/cmake-js');
  const jobs = String(Math.min(2, availableParallelism()));
  run(cmakeJs, ['configure', '--log-level', 'warn', `--CDSEMISUP_LIBTORCH=${libtorch}`]);
  run(cmakeJs, ['build', '--log-level', 'warn', '--parallel', jobs]);
}

function run(script, args) {
  const { status } = spawnSync(process.execPath, [script, ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`${script} ${args.join(' ')} failed.`);
}

function step(text) {
  console.error(`> ${text}`);
}

/** Shows a progress bar per file and phase on a terminal, otherwise prints one line each. */
async function progressBar() {
  const { default: progress } = await import('cli-progress');
  const terminal = process.stderr.isTTY;
  let bar;
  let shown;
  const stop = () => bar?.stop();
  const update = ({ phase, file, received, total }) => {
    if (shown !== `${phase} ${file}`) {
      shown = `${phase} ${file}`;
      stop();
      const megabytes = Math.round(total / 1e6);
      if (terminal) {
        bar = new progress.SingleBar({
          format: `  ${phase} {bar} {percentage}% of ${megabytes} MB`,
          // The default disables line wrapping, and Ctrl-C would leave the terminal like that.
          linewrap: true,
        });
        bar.start(total, 0);
      } else {
        step(`  ${phase} ${file}, ${megabytes} MB`);
      }
    }
    bar?.update(received);
  };
  return { update, stop };
}
