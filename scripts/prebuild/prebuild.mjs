// Compiles the addon from scratch into prebuilds/<platform>/, for the npm package. Leaves build/Release alone.
//   npm run prebuild                                      for this machine
//   npm run prebuild -- --arch arm64                      for Linux on ARM, with g++-aarch64-linux-gnu
//   npm run prebuild -- --libtorch DIR [--libtorch DIR2]  against other LibTorch versions
//   npm run prebuild -- --require-cuda                    fails without a CUDA backend library
import { mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { provideLibTorch, step } from '../build-addon.mjs';
import { writeManifest } from './manifest.mjs';
import { toolchainOf } from './toolchain.mjs';

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));

try {
  const { values } = parseArgs({
    options: {
      arch: { type: 'string', default: process.arch },
      libtorch: { type: 'string', multiple: true, default: [] },
      'require-cuda': { type: 'boolean', default: false },
    },
  });
  await prebuild(values);
} catch (error) {
  console.error(`\n${error.message}\n`);
  process.exitCode = 1;
}

async function prebuild({ arch, libtorch: directories, 'require-cuda': requireCuda }) {
  const target = `${process.platform}-${arch}`;
  toolchainOf(arch); // Fails now rather than after a download.
  const output = join(root, 'prebuilds', target);
  rmSync(output, { recursive: true, force: true });
  const libtorchs = [];
  for (const directory of directories.length > 0 ? directories : [undefined]) {
    if (directory !== undefined) process.env.SEMISUP_LIBTORCH = directory;
    const libtorch = await provideLibTorch(target);
    await runPrebuildify(arch, libtorch.dir);
    libtorchs.push({ version: libtorch.version, variant: libtorch.variant });
  }
  const { files } = writeManifest(root, output, libtorchs);
  for (const [name, { size }] of Object.entries(files)) {
    step(`prebuilds/${target}/${name}, ${Math.round(size / 1000)} kB`);
  }
  reportCuda(target, Object.keys(files), requireCuda);
}

async function runPrebuildify(arch, libtorch) {
  const cwd = join(root, 'build', 'prebuild', `${process.platform}-${arch}`);
  rmSync(cwd, { recursive: true, force: true });
  mkdirSync(cwd, { recursive: true });
  process.env.SEMISUP_LIBTORCH = libtorch;
  const shim = join(here, 'node-gyp-shim.mjs');
  // On Windows, prebuildify runs the command in cmd.exe, which does not know how to run a .mjs file.
  const nodeGyp = process.platform === 'win32' ? `"${process.execPath}" "${shim}"` : shim;
  await new Promise((resolve, reject) => {
    // CMake strips the binaries. `cwd` contains only build/, so that the developer's own build/ is kept.
    require('prebuildify')(
      { arch, cwd, out: root, name: 'binding', napi: true, tagLibc: true, nodeGyp },
      (error) => (error ? reject(error) : resolve()),
    );
  });
}

/** Says that the CUDA backend library is missing, on platforms for which LibTorch with CUDA can be installed. */
function reportCuda(target, files, isRequired) {
  if (files.some((name) => name.startsWith('cuda-'))) return;
  if (!isRequired && !target.startsWith('linux-')) return;
  const message = `prebuilds/${target} contains no CUDA backend library: packages made of it cannot use a GPU. To include it, run 'npx semisup libtorch install --variant cu130 --headers' and 'npm run prebuild' again, or set SEMISUP_LIBTORCH to a LibTorch with CUDA and the CUDA headers.`;
  if (isRequired) throw new Error(message);
  console.error(`\nWARNING: ${message}\n`);
}
