// Compiles the addon for Linux on Arm and runs the tests of kernels, plans, images and classifiers with it on Linux x64,
// emulated by QEMU. Needs Debian's g++-aarch64-linux-gnu, libstdc++6-arm64-cross and qemu-user-static, and root or user
// namespaces. Downloads LibTorch (440 MB), Node and packages for Arm to the user's cache. Takes hours.
//   npm run test:arm64
//   npm run test:arm64 -- --tests test/40.torch/91.plan.float.ts     other tests
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compileAddon, provideLibTorch, step } from './build-addon.mjs';
import { emulateArm64 } from './emulation/emulator.mjs';
import { checkDoctor, runTests } from './emulation/run-tests.mjs';
import { toolchainOf } from './prebuild/toolchain.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const tests = [
  // Compiles the kernels here, and runs them in QEMU.
  { file: 'test/kernels/10.kernels.ts', grep: 'arm64', node: [process.execPath] },
  { file: 'test/30.libtorch/10.pins.ts' },
  { file: 'test/90.cli/30.doctor.ts' },
  { file: 'test/40.torch/10.tensor.ts' },
  { file: 'test/40.torch/20.script-module.ts' },
  { file: 'test/40.torch/30.values.ts' },
  { file: 'test/40.torch/90.plan.graphs.ts', grep: '^(?!.* in row blocks$)' },
  { file: 'test/40.torch/91.plan.float.ts' },
  { file: 'test/40.torch/91.plan.networks.ts' },
  { file: 'test/40.torch/92.plan.precision.ts' },
  { file: 'test/40.torch/94.plan.activations.ts' },
  { file: 'test/40.torch/94.plan.inputs.ts' },
  { file: 'test/40.torch/95.plan.outputs.ts' },
  { file: 'test/40.torch/96.plan.instruction-sets.ts' },
  { file: 'test/50.image/10.decode.ts' },
  { file: 'test/50.image/15.inputs.ts' },
  { file: 'test/50.image/20.bad-input.ts' },
  { file: 'test/50.image/25.limits.ts' },
  { file: 'test/50.image/30.transform.ts' },
  { file: 'test/50.image/35.views.ts' },
  { file: 'test/50.image/40.photos.ts' },
  { file: 'test/50.image/50.leaves.ts' },
  { file: 'test/50.image/60.formats.ts' },
  // The logits of PyTorch. Larger networks take an hour for an image.
  {
    file: 'test/60.models/30.resnet.ts',
    grep: '^resnet18 |^(resnet50|resnext50_32x4d) .* with a plan',
  },
  { file: 'test/80.classify/10.classifier.ts' },
  { file: 'test/80.classify/15.batcher.ts' },
  // The others tune whole networks.
  { file: 'test/80.classify/30.plan.ts', grep: ' (options|tuning) ' },
  { file: 'test/80.classify/60.own-models.ts' },
];

const omitted = [
  'Not run, because their images are large: the row blocks of test/40.torch/90.plan.graphs.ts.',
  'Not run, because whole networks take hours in QEMU: the larger ones of test/60.models/30.resnet.ts, and those of test/80.classify/20.baseline.ts and 30.plan.ts.',
  'Not run, because they do not depend on the processor: the tests of files, downloads, checkpoints, processes, slots and the command line.',
];

const { values } = parseArgs({ options: { tests: { type: 'string', multiple: true } } });

try {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error('npm run test:arm64 runs on Linux x64 only. On Arm, run npm test.');
  }
  const emulator = await emulateArm64({ modules: true });
  const libtorch = await provideLibTorch('linux-arm64');
  // node-gyp-build searches <directory>/build/Release.
  const directory = join(root, 'build', 'emulation', 'linux-arm64');
  mkdirSync(directory, { recursive: true });
  compileAddon({
    ...{ libtorch: libtorch.dir, out: join(directory, 'build') },
    toolchain: toolchainOf('arm64'),
  });
  const env = { SEMISUP_PREBUILD: directory, SEMISUP_LIBTORCH: libtorch.dir };
  checkDoctor(emulator, env, 'kernels for neon_dot');
  const selected = values.tests
    ? values.tests.map((file) => tests.find((test) => test.file === file) ?? { file })
    : tests;
  const isOk = await runTests({ name: 'arm64', emulator, env, tests: selected });
  if (!values.tests) omitted.forEach(step);
  if (!isOk) process.exitCode = 1;
} catch (error) {
  console.error(`\n${error.message}\n`);
  process.exitCode = 1;
}
