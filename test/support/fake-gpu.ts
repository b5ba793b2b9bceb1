import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findUsedLibTorch } from '../../src/libtorch';
import { type DeviceHandle, sharedExecutor } from '../../src/torch';
import { root } from './run-node';

const run = promisify(execFile);

let compiled: Promise<string> | undefined;

/**
 * A fake GPU that computes on the CPU, behind a backend library that is compiled before the first suite.
 * A suite is skipped if compilation is not possible.
 */
export function fakeGpu(): { library: string; open(): Promise<DeviceHandle> } {
  const fake = {
    library: '',
    open: async (): Promise<DeviceHandle> => {
      const { native, handle } = await sharedExecutor();
      return { name: 'cpu', gpu: await native.openGpu(handle, fake.library, 0) };
    },
  };
  before(async function () {
    this.timeout(180_000);
    const reason = await compileProblem();
    if (reason !== undefined) {
      this.test!.parent!.title += ` (skipped: building the fake GPU requires ${reason})`;
      this.skip();
    }
    fake.library = await (compiled ??= compile());
  });
  return fake;
}

async function compileProblem(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'Linux';
  if (!(await findUsedLibTorch()).headers) return 'the headers of LibTorch';
  try {
    await run('c++', ['--version']);
  } catch {
    return 'a C++ compiler';
  }
  return undefined;
}

async function compile(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'semisup-test-'));
  process.once('exit', () => {
    rmSync(directory, { recursive: true, force: true });
  });
  const library = join(directory, 'libfake-gpu.so');
  const { dir } = await findUsedLibTorch();
  const include = join(dir, 'include');
  await run('c++', [
    ...['-std=c++20', '-O1', '-shared', '-fPIC', '-fvisibility=hidden', '-Wall', '-Werror'],
    ...['-I', join(root, 'binding'), '-isystem', include],
    ...['-isystem', join(include, 'torch', 'csrc', 'api', 'include')],
    join(root, 'test', 'support', 'fake-gpu.cc'),
    ...['libtorch_cpu.so', 'libc10.so'].map((name) => join(dir, 'lib', name)),
    ...['-o', library],
  ]);
  return library;
}
