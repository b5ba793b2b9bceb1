import { findLoader, type NativeGpuDriver } from './load';

/** A GPU, as NVIDIA's driver describes it. */
export interface Gpu {
  /** What it calls itself, e.g. `NVIDIA H200`. */
  readonly name: string;
  /** The compute capability, e.g. `9.0`. */
  readonly capability: string;
  /** In bytes; what is free is unknown where the driver's management library is not there. */
  readonly memory: { readonly total: number; readonly free: number | undefined };
}

/** What NVIDIA's driver says. */
export interface GpuDriver {
  /** Why there is none, in the system's words. */
  readonly missing?: string;
  /** Why it cannot be used, in its own words. */
  readonly failure?: string;
  /** The version of CUDA that it can run, e.g. `13.0`; undefined if it does not tell. */
  readonly cuda: string | undefined;
  /** In the order of their indices, those that `CUDA_VISIBLE_DEVICES` leaves. */
  readonly gpus: readonly Gpu[];
}

/** The driver's libraries: CUDA's driver API, and NVML. */
const libraries = {
  linux: ['libcuda.so.1', 'libnvidia-ml.so.1'],
  win32: ['nvcuda.dll', 'nvml.dll'],
} as Readonly<Record<string, readonly [cuda: string, nvml: string]>>;

/**
 * Asks NVIDIA's driver for its GPUs, without LibTorch and without taking memory of a GPU.
 *
 * @throws LibTorchError `ERR_SEMISUP_ADDON_NOT_FOUND` where no addon is compiled for this platform
 */
export async function askGpuDriver(names = libraries[process.platform]): Promise<GpuDriver> {
  return names ? describe(await findLoader().queryGpuDriver(...names)) : noDriver();
}

/** As `askGpuDriver`, but blocks for as long as the driver needs to start, up to a second. */
export function askGpuDriverSync(names = libraries[process.platform]): GpuDriver {
  return names ? describe(findLoader().queryGpuDriverSync(...names)) : noDriver();
}

function noDriver(): GpuDriver {
  return { missing: `There is none for ${process.platform}.`, cuda: undefined, gpus: [] };
}

function describe({ cudaVersion, gpus, ...problems }: NativeGpuDriver): GpuDriver {
  return {
    ...problems,
    cuda: cudaVersion > 0 ? versionOf(cudaVersion) : undefined,
    gpus: gpus.map(({ name, major, minor, total, free }) => ({
      name,
      capability: `${major}.${minor}`,
      memory: { total, free },
    })),
  };
}

function versionOf(number: number): string {
  return `${Math.floor(number / 1000)}.${Math.floor((number % 1000) / 10)}`;
}
