// Checks, on a machine without a GPU too, what is for GPUs: fetches LibTorch for CUDA (2.5 GB, once) with
// its headers, compiles and links against it, sees that the part for CUDA opens and tells the truth of the
// device, and runs the tests with that LibTorch.
//   npm run check:cuda
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { installLibTorch, findUsedLibTorch, cudaPart } = require(join(root, 'lib', 'libtorch'));

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
  await tryDevice();
  run([require.resolve('mocha/bin/mocha.js')]);
} catch (error) {
  console.error(`\n${error.message}\n`);
  process.exitCode = 1;
}

/** That of the GPU where there is one, and otherwise what CUDA itself says of its absence. */
async function tryDevice() {
  const part = cudaPart(await findUsedLibTorch());
  if (part === undefined) throw new Error('The part for CUDA was not compiled.');
  const { Executor } = require(join(root, 'lib', 'torch', 'executor'));
  const { native, handle } = await Executor.shared();
  try {
    await native.openGpu(handle, part, 0);
    console.error(`> ${part} opens, and finds a GPU`);
  } catch (error) {
    if (!/no (NVIDIA|CUDA)|NVIDIA driver/i.test(error.message)) throw error;
    console.error(`> ${part} opens, and says: ${error.message}`);
  }
}

function run(args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error(`node ${args.join(' ')} failed.`);
}
