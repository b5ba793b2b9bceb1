import { findBinaries } from '../binaries/find';
import type { NativeGpuDriver } from '../binaries/loader';

/** A GPU, as NVIDIA's driver describes it. */
export interface Gpu {
  /** Its name, e.g. `NVIDIA H200`. */
  readonly name: string;
  /** The compute capability, e.g. `9.0`. */
  readonly capability: string;
  /** In bytes; `free` is undefined if the driver's management library (NVML) is not available. */
  readonly memory: { readonly total: number; readonly free: number | undefined };
}

/** The state of NVIDIA's driver. */
export interface GpuDriver {
  /** Why the driver was not found: the system's message. */
  readonly missing?: string;
  /** Why the driver failed: its own message. */
  readonly failure?: string;
  /** The highest CUDA version that it supports, e.g. `13.0`; undefined if not reported. */
  readonly cuda: string | undefined;
  /** The GPUs visible under `CUDA_VISIBLE_DEVICES`, by index. */
  readonly gpus: readonly Gpu[];
}

/** The driver's libraries: CUDA's driver API, and NVML. */
const libraries = {
  linux: ['libcuda.so.1', 'libnvidia-ml.so.1'],
  win32: ['nvcuda.dll', 'nvml.dll'],
} as Readonly<Record<string, readonly [cuda: string, nvml: string]>>;

/**
 * Queries NVIDIA's driver for its GPUs, without LibTorch and without allocating GPU memory.
 *
 * @throws LibTorchError `ERR_SEMISUP_ADDON_NOT_FOUND` if no addon is compiled for this platform
 */
export async function queryGpuDriver(names = libraries[process.platform]): Promise<GpuDriver> {
  return names ? describe(await findBinaries().loader.queryGpuDriver(...names)) : noDriver();
}

/** Like `queryGpuDriver`, but blocks while the driver initializes, up to a second. */
export function queryGpuDriverSync(names = libraries[process.platform]): GpuDriver {
  return names ? describe(findBinaries().loader.queryGpuDriverSync(...names)) : noDriver();
}

function noDriver(): GpuDriver {
  return { missing: `${process.platform} is not supported.`, cuda: undefined, gpus: [] };
}

function describe({ cudaVersion, gpus, ...problems }: NativeGpuDriver): GpuDriver {
  return {
    ...problems,
    cuda: cudaVersion > 0 ? formatVersion(cudaVersion) : undefined,
    gpus: gpus.map(({ name, major, minor, total, free }) => ({
      name,
      capability: `${major}.${minor}`,
      memory: { total, free },
    })),
  };
}

function formatVersion(number: number): string {
  return `${Math.floor(number / 1000)}.${Math.floor((number % 1000) / 10)}`;
}
