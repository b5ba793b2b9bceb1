// Compiles the addon with GCC's sanitizers, and runs the tests of native code with it: first with AddressSanitizer and
// UndefinedBehaviorSanitizer, then with ThreadSanitizer. Linux with GCC only. Takes two hours on two cores.
//   npm run test:sanitize                                 both
//   npm run test:sanitize -- --only address               one of address, thread
//   npm run test:sanitize -- --tests 'test/40.torch/*.ts'     other tests
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compileAddon, provideLibTorch, step } from './build-addon.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const suppressions = join(root, 'test', 'sanitize');

/** The tests of native code. Those of child processes run elsewhere: each process takes seconds to start. */
const nativeTests = ['test/40.torch/*.ts', 'test/80.classify/*.ts', 'test/85.slot/*.ts'];

const ignored = [
  // Whole networks: instrumented kernels take an hour for them. Each kernel runs in test/40.torch.
  ...['test/80.classify/20.baseline.ts', 'test/80.classify/30.plan.ts'],
  // Isolated processes inherit no environment, and with it no sanitizer.
  ...['test/80.classify/70.isolated.ts', 'test/85.slot/50.isolated.ts'],
];

const sanitizers = {
  address: {
    flags: 'address,undefined,float-cast-overflow,bounds-strict,vptr',
    libraries: ['libasan.so', 'libubsan.so'],
    tests: [...nativeTests, 'test/50.image/*.ts'],
    environment: {
      // Node and V8 free little at exit. GCC 12 aligns vectors of 512 bits wrongly in the stack frames that find uses
      // after return (GCC's bug 110027). V8's own handler of SIGSEGV would end the process without a report.
      ASAN_OPTIONS:
        'detect_leaks=0:detect_stack_use_after_return=0:strict_string_checks=1:handle_segv=2',
      UBSAN_OPTIONS: `print_stacktrace=1:suppressions=${join(suppressions, 'undefined.txt')}`,
    },
  },
  thread: {
    flags: 'thread',
    libraries: ['libtsan.so'],
    tests: nativeTests,
    environment: {
      // libgomp synchronizes its threads with futexes, which ThreadSanitizer does not see: it would report every parallel
      // loop. The loops' parts write to disjoint ranges.
      OMP_THREAD_LIMIT: '1',
      TSAN_OPTIONS: `halt_on_error=1:second_deadlock_stack=1:ignore_noninstrumented_modules=1:suppressions=${join(suppressions, 'thread.txt')}`,
    },
  },
};

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    tests: { type: 'string', multiple: true },
  },
});

if (process.platform !== 'linux') throw new Error('npm run test:sanitize runs on Linux only.');
const libtorch = await provideLibTorch();
for (const name of values.only ? [values.only] : Object.keys(sanitizers)) runTests(name);

function runTests(name) {
  if (!Object.hasOwn(sanitizers, name)) {
    throw new Error(`Expected one of ${Object.keys(sanitizers).join(', ')}, but received ${name}.`);
  }
  const { flags, libraries, tests, environment } = sanitizers[name];
  // node-gyp-build searches <directory>/build/Release.
  const directory = join(root, 'build', 'sanitize', name);
  mkdirSync(directory, { recursive: true });
  compileAddon({
    ...{ libtorch: libtorch.dir, out: join(directory, 'build') },
    defines: { SEMISUP_SANITIZE: flags },
  });
  step(`Running the tests with -fsanitize=${flags}`);
  const mocha = join(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
  // Node is not instrumented, so the runtime must be the first library that it loads. Randomized addresses collide with
  // ThreadSanitizer's fixed ones.
  const { status, signal } = spawnSync(
    'setarch',
    [
      // Instrumented frames are larger than V8 expects: half of the usual 8 MiB of stack.
      ...['--addr-no-randomize', process.execPath, '--stack-size=4000', mocha],
      ...['--require', join(suppressions, 'no-timeouts.cjs')],
      ...ignored.flatMap((file) => ['--ignore', file]),
      ...(values.tests ?? tests),
    ],
    {
      cwd: root,
      stdio: 'inherit',
      env: {
        ...process.env,
        ...environment,
        LD_PRELOAD: libraries.map(runtime).join(' '),
        SEMISUP_PREBUILD: directory,
        SEMISUP_LIBTORCH: libtorch.dir,
      },
    },
  );
  if (status !== 0)
    throw new Error(`The tests failed with -fsanitize=${flags}: ${signal ?? status}.`);
}

/** The path of a sanitizer's runtime library. */
function runtime(library) {
  const { stdout } = spawnSync('g++', [`-print-file-name=${library}`], { encoding: 'utf8' });
  return stdout.trim();
}
