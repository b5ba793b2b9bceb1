// Sets up a clone: TypeScript to lib/, LibTorch found or fetched, the addon compiled into build/.
// `npm install` runs it there (and never for the published package); `--native` leaves out TypeScript.
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

/** A LibTorch with headers: the one that will be used, else the pinned one, fetched. */
async function provideLibTorch() {
  const { findLibTorch, installLibTorch } = require(join(root, 'lib', 'libtorch'));
  const found = await findLibTorch().catch((error) => {
    if (error.code === 'ERR_SEMISUP_LIBTORCH_NOT_FOUND' && !isGiven()) return undefined;
    throw error;
  });
  if (found?.headers) {
    step(`LibTorch ${found.version} ${found.variant} in ${found.dir} (${found.source})`);
    return found;
  }
  if (found && isGiven()) {
    throw new Error(
      `The LibTorch in ${found.dir} (${found.source}) has no include folder, so nothing can be compiled against it.`,
    );
  }
  step(found ? 'Fetching the headers of LibTorch' : 'Fetching LibTorch');
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

function isGiven() {
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

/** A bar a file and phase on a terminal; elsewhere one line each. */
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
          // So that Ctrl-C leaves a terminal that wraps its lines.
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
