import { availableParallelism, cpus } from 'node:os';
import { DeviceError, LibTorchError } from '../errors';
import {
  askGpuDriver,
  askGpuDriverSync,
  cudaPart,
  findUsedLibTorch,
  findUsedLibTorchSync,
  gpuProblem,
  type GpuDriver,
  type GpuProblem,
  type LibTorch,
} from '../libtorch';
import { reason } from '../net/reason';
import { wrongValue } from '../options';
import { Executor } from './executor';
import type { GpuHandle } from './native';

/**
 * Where a model runs: `'auto'` is the first GPU where there is one that can be used, else the CPU;
 * `'cuda'` is the first GPU. `CUDA_VISIBLE_DEVICES` says which there are, and in what order.
 */
export type DeviceName = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`;

/** A device that models can run on. */
export interface Device {
  /** As the `device` option names it. */
  readonly name: string;
  /** What the hardware calls itself. */
  readonly description: string;
  /** Of a GPU: its compute capability, e.g. `9.0`. */
  readonly capability?: string;
  /** Of a GPU, in bytes; what is free only where the driver tells it. */
  readonly memory?: { readonly total: number; readonly free: number | undefined };
}

/** A device that was found and can be used. */
export interface OpenDevice {
  /** As LibTorch names it. */
  readonly name: string;
  /** Where it is one. */
  readonly gpu?: GpuHandle;
}

/** What is known of GPUs. */
interface GpuState {
  readonly driver: GpuDriver;
  readonly problem: GpuProblem | undefined;
  /** The library that opens them. */
  readonly part: string | undefined;
}

const cpu: OpenDevice = { name: 'cpu' };
const opened = new Map<number, OpenDevice>();

/** The devices that models can run on. Asks NVIDIA's driver where LibTorch is one for GPUs. */
export async function devices(): Promise<Device[]> {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const found: Device[] = [
    { name: 'cpu', description: `${model}, ${availableParallelism()} cores` },
  ];
  const libtorch = await usedLibTorch();
  if (!isForGpus(libtorch)) return found;
  const { driver, problem } = toState(await askGpuDriver(), libtorch);
  if (problem) return found;
  return [
    ...found,
    ...driver.gpus.map(({ name, capability, memory }, index) => ({
      ...{ name: `cuda:${index}`, description: name, capability, memory },
    })),
  ];
}

/**
 * Finds the device that a `device` option means.
 *
 * @throws OptionError if it is no device's name
 * @throws DeviceError if that device is not there, or cannot be used
 */
export async function openDevice(device: DeviceName = 'auto'): Promise<OpenDevice> {
  const index = gpuIndexOf(device);
  if (index === undefined) return cpu;
  const known = opened.get(index);
  if (known) return known;
  const libtorch = await usedLibTorch();
  if (device === 'auto' && !isForGpus(libtorch)) return cpu;
  const state = toState(await askGpuDriver(), libtorch);
  if (device === 'auto' && state.problem) return cpu;
  check(device, index, state);
  const { native, handle } = await Executor.shared();
  try {
    const gpu = await native.openGpu(handle, state.part!, index);
    return remember(index, gpu);
  } catch (cause) {
    if (device !== 'auto') throw openFailed(device, cause);
    process.emitWarning(`${openFailed('cuda:0', cause).what} The CPU is used.`, {
      code: 'SEMISUP_DEVICE',
    });
    return cpu;
  }
}

/** As `openDevice`, but blocks while the driver and the device are asked. */
export function openDeviceSync(device: DeviceName = 'auto'): OpenDevice {
  const index = gpuIndexOf(device);
  if (index === undefined) return cpu;
  const known = opened.get(index);
  if (known) return known;
  const libtorch = tryTo(findUsedLibTorchSync);
  if (device === 'auto' && !isForGpus(libtorch)) return cpu;
  const state = toState(askGpuDriverSync(), libtorch);
  if (device === 'auto' && state.problem) return cpu;
  check(device, index, state);
  const { native, handle } = Executor.sharedSync();
  try {
    return remember(index, native.openGpuSync(handle, state.part!, index));
  } catch (cause) {
    throw openFailed(device, cause);
  }
}

/** @throws OptionError if it is no device's name */
export function checkDeviceName(device: DeviceName | undefined): void {
  if (device !== undefined) gpuIndexOf(device);
}

/** The GPU's index; undefined for the CPU. */
function gpuIndexOf(device: DeviceName): number | undefined {
  if (device === 'cpu') return undefined;
  if (device === 'auto' || device === 'cuda') return 0;
  const index = typeof device === 'string' ? /^cuda:(\d{1,3})$/.exec(device)?.[1] : undefined;
  if (index !== undefined) return Number(index);
  throw wrongValue('device', `'auto', 'cpu', 'cuda' or 'cuda:<index>'`, device);
}

function isForGpus(libtorch: LibTorch | undefined): boolean {
  return libtorch !== undefined && libtorch.variant !== 'cpu';
}

function toState(driver: GpuDriver, libtorch: LibTorch | undefined): GpuState {
  const part = libtorch && cudaPart(libtorch);
  return { driver, problem: gpuProblem(driver, libtorch, part), part };
}

function check(device: string, index: number, { driver, problem }: GpuState): void {
  const count = driver.gpus.length;
  if (!problem && index < count) return;
  const what = problem?.what ?? `The driver finds ${count} of them, from cuda:0 on`;
  throw new DeviceError('ERR_SEMISUP_DEVICE', {
    what: `There is no device '${device}'. ${what}.`,
    todo: `${problem ? `${problem.todo} Or use` : 'Use one of these, or'} device 'auto' or 'cpu'.`,
    value: device,
  });
}

function remember(index: number, gpu: GpuHandle): OpenDevice {
  const device = { name: `cuda:${index}`, gpu };
  opened.set(index, device);
  return device;
}

function openFailed(device: string, cause: unknown): DeviceError {
  return new DeviceError('ERR_SEMISUP_DEVICE_FAILED', {
    what: `The device '${device}' is there but cannot be used: ${reason(cause)}.`,
    todo: `See whether nvidia-smi shows it free, and not in exclusive use. Or use device 'cpu'.`,
    value: device,
    cause,
  });
}

async function usedLibTorch(): Promise<LibTorch | undefined> {
  try {
    return await findUsedLibTorch();
  } catch (error) {
    if (error instanceof LibTorchError) return undefined;
    throw error;
  }
}

function tryTo<T>(find: () => T): T | undefined {
  try {
    return find();
  } catch (error) {
    if (error instanceof LibTorchError) return undefined;
    throw error;
  }
}
