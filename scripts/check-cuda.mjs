// Checks the GPU code, even on a machine without a GPU: downloads LibTorch for CUDA (2.5 GB, once) with its
// headers, compiles and links against it, checks that the CUDA backend library opens and reports the device
// correctly, and runs the tests with that LibTorch.
//   npm run check:cuda
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { findUsedLibTorch } = require(join(root, 'lib', 'libtorch'));
const { installLibTorch } = require(join(root, 'lib', 'libtorch', 'install.js'));
const { cudaBackend } = require(join(root, 'lib', 'binaries'));

try {
  const files = new Set();
  const { dir } = await installLibTorch({
    variant: 'cu130',
    headers: true,
    onProgress: ({ phase, file, total }) => {
      if (files.has(phase + file)) return;
      files.add(phase + file);
      console.error(`> ${phase} ${file}, ${Math.round(total / 1e6)} MB`);
    },
  });
  process.env.SEMISUP_LIBTORCH = dir;
  run([join(root, 'scripts', 'setup.mjs'), '--native']);
  await checkDevice();
  run([require.resolve('mocha/bin/mocha.js'), 'test/[0-9]*/*.ts']);
} catch (error) {
  console.error(`\n${error.message}\n`);
  process.exitCode = 1;
}

/** Opens the GPU, or accepts CUDA's error that there is none. */
async function checkDevice() {
  const backend = cudaBackend(await findUsedLibTorch());
  if (backend === undefined) throw new Error('The CUDA backend library was not compiled.');
  const { Executor } = require(join(root, 'lib', 'torch', 'executor'));
  const { native, handle } = await Executor.shared();
  try {
    await native.openGpu(handle, backend, 0);
    console.error(`> ${backend} opens and finds a GPU`);
  } catch (error) {
    if (!/no (NVIDIA|CUDA)|NVIDIA driver/i.test(error.message)) throw error;
    console.error(`> ${backend} opens and reports: ${error.message}`);
  }
}

function run(args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error(`node ${args.join(' ')} failed.`);
}
