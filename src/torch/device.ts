import { availableParallelism, cpus } from 'node:os';
import { DeviceError, LibTorchError } from '../errors';
import {
  queryGpuDriver,
  queryGpuDriverSync,
  cudaBackend,
  findUsedLibTorch,
  findUsedLibTorchSync,
  gpuProblem,
  type GpuDriver,
  type LibTorch,
} from '../libtorch';
import { errorReason } from '../net/error-reason';
import { invalidValue } from '../options';
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

/** What the choice of a device depends on. Tests substitute their own. */
interface DeviceProbe {
  /** The LibTorch in use; undefined if there is none. */
  findLibTorch(): LibTorch | undefined | Promise<LibTorch | undefined>;
  queryDriver(): GpuDriver | Promise<GpuDriver>;
  /** The path of the CUDA backend library for a LibTorch, if it is compiled. */
  cudaBackend(libtorch: LibTorch): string | undefined;
  openGpu(backend: string, index: number): GpuHandle | Promise<GpuHandle>;
}

/** A probe whose every answer comes at once. */
interface SyncDeviceProbe extends DeviceProbe {
  findLibTorch(): LibTorch | undefined;
  queryDriver(): GpuDriver;
  openGpu(backend: string, index: number): GpuHandle;
}

const systemProbe: DeviceProbe = {
  findLibTorch: async () => {
    try {
      return await findUsedLibTorch();
    } catch (error) {
      if (error instanceof LibTorchError) return undefined;
      throw error;
    }
  },
  queryDriver: () => queryGpuDriver(),
  cudaBackend: cudaBackend,
  openGpu: async (backend, index) => {
    const { native, handle } = await Executor.shared();
    return await native.openGpu(handle, backend, index);
  },
};

const systemProbeSync: SyncDeviceProbe = {
  findLibTorch: () => {
    try {
      return findUsedLibTorchSync();
    } catch (error) {
      if (error instanceof LibTorchError) return undefined;
      throw error;
    }
  },
  queryDriver: () => queryGpuDriverSync(),
  cudaBackend: cudaBackend,
  openGpu: (backend, index) => {
    const { native, handle } = Executor.sharedSync();
    return native.openGpuSync(handle, backend, index);
  },
};

const cpu: OpenDevice = { name: 'cpu' };
const opened = new Map<number, OpenDevice>();

/** The devices that models can run on. Asks NVIDIA's driver where LibTorch is one for GPUs. */
export async function devices(): Promise<Device[]> {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const found: Device[] = [
    { name: 'cpu', description: `${model}, ${availableParallelism()} cores` },
  ];
  const libtorch = await systemProbe.findLibTorch();
  if (!isForGpus(libtorch)) return found;
  const driver = await systemProbe.queryDriver();
  if (gpuProblem(driver, libtorch, cudaBackend(libtorch))) return found;
  return [
    ...found,
    ...driver.gpus.map(({ name, capability, memory }, index) => ({
      ...{ name: `cuda:${index}`, description: name, capability, memory },
    })),
  ];
}

/**
 * Opens the device that a `device` option names. Where `'auto'` finds a GPU that cannot be opened, it
 * emits a warning and returns the CPU.
 *
 * @throws OptionError if it is not the name of a device
 * @throws DeviceError if the device does not exist, or cannot be used
 */
export async function openDevice(
  device: DeviceName = 'auto',
  probe: DeviceProbe = systemProbe,
): Promise<OpenDevice> {
  const known = knownDevice(device);
  if (known) return known;
  const libtorch = await probe.findLibTorch();
  if (isCpuCertain(device, libtorch)) return cpu;
  const gpu = selectGpu(device, libtorch, await probe.queryDriver(), probe);
  if (!gpu) return cpu;
  try {
    return remember(gpu, await probe.openGpu(gpu.backend, gpu.index));
  } catch (error) {
    return fallBack(device, error);
  }
}

/** Like `openDevice`, but blocks while the driver and the device are queried. */
export function openDeviceSync(
  device: DeviceName = 'auto',
  probe: SyncDeviceProbe = systemProbeSync,
): OpenDevice {
  const known = knownDevice(device);
  if (known) return known;
  const libtorch = probe.findLibTorch();
  if (isCpuCertain(device, libtorch)) return cpu;
  const gpu = selectGpu(device, libtorch, probe.queryDriver(), probe);
  if (!gpu) return cpu;
  try {
    return remember(gpu, probe.openGpu(gpu.backend, gpu.index));
  } catch (error) {
    return fallBack(device, error);
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
  throw invalidValue('device', `'auto', 'cpu', 'cuda' or 'cuda:<index>'`, device);
}

/** A GPU that the driver lists, and the library that opens it. */
interface SelectedGpu {
  readonly index: number;
  readonly backend: string;
}

/** The CPU, or a GPU that was opened before. */
function knownDevice(device: DeviceName): OpenDevice | undefined {
  const index = gpuIndexOf(device);
  return index === undefined ? cpu : opened.get(index);
}

/** Whether the device is the CPU whatever the driver says: the driver takes up to a second to start. */
function isCpuCertain(device: DeviceName, libtorch: LibTorch | undefined): boolean {
  return device === 'auto' && !isForGpus(libtorch);
}

function isForGpus(libtorch: LibTorch | undefined): libtorch is LibTorch {
  return libtorch !== undefined && libtorch.variant !== 'cpu';
}

/** The GPU to open; undefined where `'auto'` means the CPU. @throws DeviceError if it does not exist */
function selectGpu(
  device: DeviceName,
  libtorch: LibTorch | undefined,
  driver: GpuDriver,
  { cudaBackend }: Pick<DeviceProbe, 'cudaBackend'>,
): SelectedGpu | undefined {
  const backend = libtorch && cudaBackend(libtorch);
  const problem = gpuProblem(driver, libtorch, backend);
  const index = gpuIndexOf(device)!;
  const count = driver.gpus.length;
  if (!problem && index < count) return { index, backend: backend! };
  if (problem && device === 'auto') return undefined;
  const what = problem?.what ?? `The driver lists ${count} of them, starting at cuda:0`;
  throw new DeviceError('ERR_SEMISUP_DEVICE', {
    what: `There is no device '${device}'. ${what}.`,
    remedy: `${problem ? `${problem.remedy} Or use` : 'Use one of these, or'} device 'auto' or 'cpu'.`,
    value: device,
  });
}

function remember({ index }: SelectedGpu, gpu: GpuHandle): OpenDevice {
  const device = { name: `cuda:${index}`, gpu };
  opened.set(index, device);
  return device;
}

/** Where a GPU cannot be opened: the CPU for `'auto'`, with a warning. @throws DeviceError otherwise */
function fallBack(device: DeviceName, cause: unknown): OpenDevice {
  // LibTorch itself does not load: the CPU cannot be used either.
  if (cause instanceof LibTorchError) throw cause;
  if (device !== 'auto') throw openFailed(device, cause);
  process.emitWarning(`${openFailed('cuda:0', cause).what} The CPU is used.`, {
    code: 'SEMISUP_DEVICE',
  });
  return cpu;
}

function openFailed(device: string, cause: unknown): DeviceError {
  return new DeviceError('ERR_SEMISUP_DEVICE_FAILED', {
    what: `The device '${device}' exists but cannot be used: ${errorReason(cause)}.`,
    remedy: `Check with nvidia-smi that it is idle and not in exclusive mode. Or use device 'cpu'.`,
    value: device,
    cause,
  });
}
