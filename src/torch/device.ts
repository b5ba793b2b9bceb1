import { availableParallelism } from 'node:os';
import { DeviceError, LibTorchError } from '../errors';
import { cudaBackend } from '../binaries';
import {
  queryGpuDriver,
  queryGpuDriverSync,
  findUsedLibTorch,
  findUsedLibTorchSync,
  gpuProblem,
  type GpuDriver,
  type LibTorch,
} from '../libtorch';
import type { DeviceName } from '../native';
import { errorReason } from '../net/error-reason';
import { invalidValue } from '../options';
import { sharedExecutor, sharedExecutorSync } from './executor';
import type { GpuHandle } from './native';
import { processorModel } from './processor';

/** A device that models can run on. */
export interface Device {
  /** The value of the `device` option, e.g. `'cuda:0'`. */
  readonly name: string;
  /** The product name of the hardware; for the CPU, followed by the number of logical cores. */
  readonly description: string;
  /** The compute capability of a GPU, e.g. `9.0`. */
  readonly capability?: string;
  /** The memory of a GPU, in bytes; `free` is undefined if the driver does not report it. */
  readonly memory?: { readonly total: number; readonly free: number | undefined };
}

/** A device that is open, with its native handle if it is a GPU. */
export interface DeviceHandle {
  /** LibTorch's name, e.g. `'cuda:0'`. */
  readonly name: string;
  /** Absent for the CPU. */
  readonly gpu?: GpuHandle;
}

/** The queries that device selection depends on. Tests replace them. */
interface DeviceProbe {
  /** The LibTorch in use; undefined if none is found. */
  findLibTorch(): LibTorch | undefined | Promise<LibTorch | undefined>;
  queryDriver(): GpuDriver | Promise<GpuDriver>;
  /** The path of the CUDA backend library for a LibTorch; undefined if it has not been built. */
  cudaBackend(libtorch: LibTorch): string | undefined;
  openGpu(backend: string, index: number): GpuHandle | Promise<GpuHandle>;
}

/** A probe whose queries are synchronous. */
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
    const { native, handle } = await sharedExecutor();
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
    const { native, handle } = sharedExecutorSync();
    return native.openGpuSync(handle, backend, index);
  },
};

const cpu: DeviceHandle = { name: 'cpu' };
const openGpus = new Map<number, DeviceHandle>();

/** Lists the devices that models can run on. Queries NVIDIA's driver if LibTorch has CUDA. */
export async function devices(): Promise<Device[]> {
  const description = `${processorModel()}, ${availableParallelism()} cores`;
  const list: Device[] = [{ name: 'cpu', description }];
  const libtorch = await systemProbe.findLibTorch();
  if (!hasCuda(libtorch)) return list;
  const driver = await systemProbe.queryDriver();
  if (gpuProblem(driver, libtorch, cudaBackend(libtorch))) return list;
  return [
    ...list,
    ...driver.gpus.map(({ name, capability, memory }, index) => ({
      ...{ name: `cuda:${index}`, description: name, capability, memory },
    })),
  ];
}

/**
 * Opens the device that a `device` option names. If the GPU that `'auto'` selects cannot be opened,
 * emits a warning and returns the CPU.
 *
 * @throws OptionError if the name is invalid
 * @throws DeviceError if the device is not available
 */
export async function openDevice(
  device: DeviceName = 'auto',
  probe: DeviceProbe = systemProbe,
): Promise<DeviceHandle> {
  const cached = cachedDevice(device);
  if (cached) return cached;
  const libtorch = await probe.findLibTorch();
  if (autoSelectsCpu(device, libtorch)) return cpu;
  const gpu = selectGpu(device, libtorch, await probe.queryDriver(), probe);
  if (!gpu) return cpu;
  try {
    return cacheGpu(gpu, await probe.openGpu(gpu.backend, gpu.index));
  } catch (error) {
    return fallBackToCpu(device, error);
  }
}

/** Like `openDevice`, but blocks while the driver and the device are queried. */
export function openDeviceSync(
  device: DeviceName = 'auto',
  probe: SyncDeviceProbe = systemProbeSync,
): DeviceHandle {
  const cached = cachedDevice(device);
  if (cached) return cached;
  const libtorch = probe.findLibTorch();
  if (autoSelectsCpu(device, libtorch)) return cpu;
  const gpu = selectGpu(device, libtorch, probe.queryDriver(), probe);
  if (!gpu) return cpu;
  try {
    return cacheGpu(gpu, probe.openGpu(gpu.backend, gpu.index));
  } catch (error) {
    return fallBackToCpu(device, error);
  }
}

/** @throws OptionError if the name of the device is invalid */
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

/** The CPU, or a GPU that is already open. */
function cachedDevice(device: DeviceName): DeviceHandle | undefined {
  const index = gpuIndexOf(device);
  return index === undefined ? cpu : openGpus.get(index);
}

/**
 * Whether `'auto'` selects the CPU because LibTorch has no CUDA. Checked first, because querying the
 * driver can take a second.
 */
function autoSelectsCpu(device: DeviceName, libtorch: LibTorch | undefined): boolean {
  return device === 'auto' && !hasCuda(libtorch);
}

function hasCuda(libtorch: LibTorch | undefined): libtorch is LibTorch {
  return libtorch !== undefined && libtorch.variant !== 'cpu';
}

/** The GPU to open; undefined if `'auto'` selects the CPU. @throws DeviceError if it is not available */
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
  const what =
    problem?.what ??
    `The driver reports ${count} ${count === 1 ? 'GPU' : 'GPUs'}, starting at cuda:0`;
  throw new DeviceError('ERR_SEMISUP_DEVICE_UNAVAILABLE', {
    what: `The device '${device}' is not available. ${what}.`,
    remedy: `${problem ? `${problem.remedy} Or use` : 'Use one of these, or'} device: 'auto' or 'cpu'.`,
    value: device,
  });
}

function cacheGpu({ index }: SelectedGpu, gpu: GpuHandle): DeviceHandle {
  const device = { name: `cuda:${index}`, gpu };
  openGpus.set(index, device);
  return device;
}

/** Returns the CPU for `'auto'`, with a warning. @throws DeviceError for a GPU that was named */
function fallBackToCpu(device: DeviceName, cause: unknown): DeviceHandle {
  // LibTorch did not load, so the CPU is not usable either.
  if (cause instanceof LibTorchError) throw cause;
  if (device !== 'auto') throw openError(device, cause);
  process.emitWarning(`${openError('cuda:0', cause).what} Falling back to the CPU.`, {
    code: 'SEMISUP_DEVICE',
  });
  return cpu;
}

function openError(device: string, cause: unknown): DeviceError {
  return new DeviceError('ERR_SEMISUP_DEVICE_FAILED', {
    what: `The device '${device}' could not be opened: ${errorReason(cause)}.`,
    remedy: `Check with nvidia-smi that it has free memory and is not in an exclusive compute mode. Or use device: 'cpu'.`,
    value: device,
    cause,
  });
}
