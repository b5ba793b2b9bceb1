// Compiles the addon: finds or downloads LibTorch with its headers, and runs CMake.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);

/**
 * Compiles the addon into `<out>/Release`.
 *
 * @param libtorch the LibTorch directory to compile against
 * @param toolchain CMake's toolchain file, to compile for another platform
 * @param defines further variables of CMake
 */
export function compileAddon({ libtorch, out = join(root, 'build'), toolchain, defines = {} }) {
  step('Compiling the addon');
  const [cmakeJs, addonApi] = [
    resolvePackage('cmake-js', 'bin/cmake-js'),
    dirname(resolvePackage('node-addon-api', 'napi.h')),
  ];
  const configure = ['--log-level', 'warn', '--directory', root, '--out', out];
  const variables = { ...defines, SEMISUP_LIBTORCH: libtorch, NODE_ADDON_API: addonApi };
  if (toolchain) variables.CMAKE_TOOLCHAIN_FILE = toolchain;
  const options = Object.entries(variables).map(([name, value]) => `--CD${name}=${value}`);
  const jobs = String(Math.min(2, availableParallelism()));
  run(cmakeJs, ['configure', ...configure, ...options]);
  run(cmakeJs, ['build', ...configure, '--parallel', jobs]);
}

/**
 * Returns a LibTorch with headers: the one that will be used, or else the pinned one, downloaded.
 *
 * @param target another platform to compile for, e.g. `linux-arm64`: the pinned LibTorch for it
 */
export async function provideLibTorch(target = `${process.platform}-${process.arch}`) {
  const api = {
    ...require(join(root, 'lib', 'libtorch')),
    ...require(join(root, 'lib', 'libtorch', 'install.js')),
  };
  if (target !== `${process.platform}-${process.arch}` && !isConfigured()) {
    const [platform, arch] = target.split('-');
    const directory = join(api.userCache(), 'libtorch', target, `${api.pinnedVersion}-cpu`);
    return await install((progress) =>
      api.installLibTorch(
        { dir: directory, headers: true, onProgress: progress },
        api.wheelsOf('cpu', platform, arch),
      ),
    );
  }
  const found = await api.findLibTorch().catch((error) => {
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
  return await install((onProgress) =>
    api.installLibTorch({ variant: found?.variant, headers: true, onProgress }),
  );
}

export function step(text) {
  console.error(`> ${text}`);
}

/** Runs a script in Node, with its output shown. */
export function run(script, args) {
  const { status } = spawnSync(process.execPath, [script, ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`${script} ${args.join(' ')} failed.`);
}

function isConfigured() {
  return Boolean(process.env.SEMISUP_LIBTORCH || process.env.LIBTORCH);
}

/**
 * Resolves a file of a build dependency. An installed package does not have those of its own: they are searched
 * from the working directory too, because package managers with isolated dependencies hide the project's
 * packages from this one.
 */
function resolvePackage(name, file) {
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      return createRequire(from).resolve(`${name}/${file}`);
    } catch {
      // Not visible from there.
    }
  }
  const { devDependencies } = require(join(root, 'package.json'));
  const packages = ['cmake-js', 'node-addon-api'].map((each) => `${each}@${devDependencies[each]}`);
  throw new Error(
    `The addon cannot be compiled: ${name} is not installed. Run 'npm install --save-dev ${packages.join(' ')}' and try again.`,
  );
}

async function install(start) {
  const bar = await progressBar();
  try {
    return await start(bar.update);
  } finally {
    bar.stop();
  }
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
