import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { queryGpuDriver, queryGpuDriverSync, gpuProblem, type GpuDriver } from '../../src/libtorch';
import { root } from '../support/run-node';
import { temporaryFolder } from '../support/temporary';

const run = promisify(execFile);

describe("NVIDIA's driver", () => {
  const temporary = temporaryFolder();

  before(async function () {
    try {
      await run('cc', ['--version']);
    } catch {
      this.test!.parent!.title += ' (skipped: there is no C compiler to make one that stands in)';
      this.skip();
    }
  });

  /** One that says what the definitions say. */
  async function driverThat(...definitions: string[]): Promise<string> {
    const library = join(temporary.path, 'libfake.so');
    const source = join(root, 'test', 'support', 'fake-gpu-driver.c');
    const flags = definitions.map((definition) => `-D${definition}`);
    await run('cc', ['-shared', '-fPIC', ...flags, source, '-o', library]);
    return library;
  }

  it('tells name, compute capability and memory of each GPU', async () => {
    const library = await driverThat('NVML=0');
    assert.deepEqual(await queryGpuDriver([library, library]), {
      cuda: '13.0',
      gpus: [
        { name: 'Fake GPU 0', capability: '8.6', memory: { total: 80e9, free: 1000 } },
        { name: 'Fake GPU 1', capability: '9.0', memory: { total: 160e9, free: 2000 } },
      ],
    });
  });

  it('tells no free memory where its management library is not there, or fails', async () => {
    const library = await driverThat('GPUS=1', 'NVML=1');
    for (const nvml of ['libnothing.so', join(temporary.path, 'nothing.so'), library]) {
      const [gpu, ...others] = (await queryGpuDriver([library, nvml])).gpus;
      assert.deepEqual([gpu?.memory, others], [{ total: 80e9, free: undefined }, []]);
    }
  });

  it('may be missing', async () => {
    const { missing, ...rest } = await queryGpuDriver(['libnothing.so.1', 'libnothing.so.2']);
    assert.match(missing!, /libnothing\.so\.1: .*No such file/);
    assert.deepEqual(rest, { cuda: undefined, gpus: [] });
  });

  it('may find no GPU', async () => {
    const library = await driverThat('INIT=100', 'VERSION=12040');
    assert.deepEqual(await queryGpuDriver([library, library]), { cuda: '12.4', gpus: [] });
    assert.deepEqual(queryGpuDriverSync([library, library]), { cuda: '12.4', gpus: [] });
  });

  it('may fail, with words of its own', async () => {
    const mismatched = await driverThat('INIT=803');
    const failure = /^system has unsupported display driver .* \(error 803\)$/;
    assert.match((await queryGpuDriver([mismatched, mismatched])).failure!, failure);
    assert.deepEqual((await queryGpuDriver([mismatched, mismatched])).gpus, []);
  });

  it('may fail without a word', async () => {
    const unknown = await driverThat('INIT=999');
    assert.equal((await queryGpuDriver([unknown, unknown])).failure, 'unknown error (error 999)');
  });

  it('may lack what is asked of it', async () => {
    const other = process.execPath;
    const { missing, failure } = await queryGpuDriver(['libc.so.6', other]);
    assert.equal(missing, undefined);
    assert.match(failure!, /cuInit/);
  });
});

describe('why no GPU is used', () => {
  const ready: GpuDriver = {
    cuda: '13.0',
    gpus: [{ name: 'A', capability: '9.0', memory: { total: 1, free: 1 } }],
  };
  const libtorch = { dir: '/lt', variant: 'cu130' };

  it('is told of each cause, with what to do', () => {
    const none: GpuDriver = { cuda: '13.0', gpus: [] };
    for (const [driver, used, visible, what, remedy] of [
      [
        { cuda: undefined, gpus: [], missing: 'libcuda.so.1: No such file' },
        ...[
          libtorch,
          undefined,
          /^NVIDIA's driver could not be opened: libcuda/,
          /driver 580 or newer/,
        ],
      ],
      [
        { ...none, failure: 'mismatch (error 803)' },
        ...[libtorch, undefined, /cannot be used: mismatch/, /nvidia-smi works.*Restart/],
      ],
      [none, libtorch, undefined, /finds no GPU$/, /--gpus all/],
      [none, libtorch, '-1', /CUDA_VISIBLE_DEVICES='-1'/, /Unset CUDA_VISIBLE_DEVICES/],
      [ready, { dir: '/lt', variant: 'cpu' }, undefined, /\/lt is CPU-only/, /--variant cu130/],
      [ready, undefined, undefined, /LibTorch is not installed/, /libtorch install/],
      [
        { ...ready, cuda: '12.8' },
        ...[libtorch, undefined, /supports CUDA up to 12\.8.*\/lt requires CUDA 13/, /580/],
      ],
    ] as [GpuDriver, typeof libtorch | undefined, string | undefined, RegExp, RegExp][]) {
      const problem = gpuProblem(driver, used, 'part.so', visible);
      assert.match(problem!.what, what);
      assert.match(problem!.remedy, remedy);
    }
  });

  it('is that the part for CUDA was not compiled', () => {
    const problem = gpuProblem(ready, libtorch, undefined);
    assert.match(problem!.what, /CUDA backend library of semisup is not compiled for/);
    assert.match(problem!.remedy, /--headers.*npm run build:native/);
  });

  it('is nothing where driver and LibTorch fit, within a major version of CUDA', () => {
    for (const [cuda, variant] of [
      ['13.0', 'cu130'],
      ['13.0', 'cu132'],
      ['14.1', 'cu130'],
      ['13.0', 'cu126'],
      [undefined, 'cu130'],
      ['12.0', 'cuda'],
    ] as const) {
      assert.equal(gpuProblem({ ...ready, cuda }, { dir: '/lt', variant }, 'part.so'), undefined);
    }
  });
});
