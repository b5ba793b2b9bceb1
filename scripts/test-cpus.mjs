// Runs tests of kernels, plans and classifiers with the compiled addon on older x64 processors, emulated by QEMU: Haswell,
// with AVX2, and Nehalem, with neither AVX nor FMA. An instruction that they lack ends the process. Linux x64 with
// Debian's qemu-user-static. Takes hours.
//   npm run test:cpus
//   npm run test:cpus -- --only Nehalem
import { parseArgs } from 'node:util';
import { emulateX64 } from './emulation/emulator.mjs';
import { checkDoctor, runTests } from './emulation/run-tests.mjs';

const tests = [
  'test/40.torch/91.plan.float.ts',
  'test/40.torch/94.plan.inputs.ts',
  'test/80.classify/10.classifier.ts',
].map((file) => ({ file }));
// Compared with the logits of PyTorch.
const logits = { file: 'test/60.models/30.resnet.ts', grep: '^resnet18 .* with a plan' };

const processors = {
  Haswell: {
    // QEMU warns of the features that it does not emulate, also in the output of the tests' processes.
    features: ',-pcid,-x2apic,-tsc-deadline,-hle,-invpcid,-rtm',
    doctor: 'kernels for avx2',
    // Without the row blocks of large images, which take an hour.
    tests: [
      ...[logits, ...tests],
      { file: 'test/40.torch/90.plan.graphs.ts', grep: '^(?!.* in row blocks$)' },
    ],
  },
  Nehalem: {
    features: '',
    doctor: 'no kernels for it: oneDNN runs all convolutions',
    tests: [logits, ...tests],
  },
};

try {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error('npm run test:cpus runs on Linux x64 only.');
  }
  const { values } = parseArgs({ options: { only: { type: 'string' } } });
  for (const name of values.only ? [values.only] : Object.keys(processors)) {
    if (!(await testOn(name))) process.exitCode = 1;
  }
} catch (error) {
  console.error(`\n${error.message}\n`);
  process.exitCode = 1;
}

async function testOn(name) {
  if (!Object.hasOwn(processors, name)) {
    const names = Object.keys(processors).join(', ');
    throw new Error(`Expected one of ${names} for --only, but received ${name}.`);
  }
  const { features, doctor, tests } = processors[name];
  const emulator = emulateX64(name + features);
  checkDoctor(emulator, {}, doctor);
  return await runTests({ name, emulator, env: {}, tests });
}
