import type { LibTorch } from './find';
import type { GpuDriver } from './gpu-driver';

/** Why a GPU cannot be used, and the remedy. */
export interface GpuProblem {
  readonly what: string;
  readonly remedy: string;
}

/** The oldest NVIDIA driver that supports CUDA 13. */
const oldestDriver = '580';

/**
 * Why LibTorch cannot use a GPU; undefined if it can. Either the driver is missing, fails or finds no GPU;
 * LibTorch is CPU-only or requires a newer CUDA than the driver supports; or the CUDA backend library
 * is not compiled. A driver supports all minor versions of a CUDA major version (NVIDIA, "CUDA
 * Compatibility").
 *
 * @param libtorch undefined if not installed
 * @param backend path of the CUDA backend library, if compiled
 * @param visible value of `CUDA_VISIBLE_DEVICES`
 */
export function gpuProblem(
  driver: GpuDriver,
  libtorch: Pick<LibTorch, 'dir' | 'variant'> | undefined,
  backend: string | undefined,
  visible = process.env.CUDA_VISIBLE_DEVICES,
): GpuProblem | undefined {
  if (driver.missing !== undefined) {
    return {
      what: `NVIDIA's driver could not be opened: ${driver.missing}`,
      remedy: `If this machine has a GPU, install NVIDIA driver ${oldestDriver} or newer; start a container with the GPU (docker run --gpus all).`,
    };
  }
  if (driver.failure !== undefined) {
    return {
      what: `NVIDIA's driver cannot be used: ${driver.failure}`,
      remedy: `Check that nvidia-smi works. Restart after a driver update; a container needs the driver libraries of its host.`,
    };
  }
  if (driver.gpus.length === 0) {
    return {
      what: `NVIDIA's driver finds no GPU${visible === undefined ? '' : ` with CUDA_VISIBLE_DEVICES='${visible}'`}`,
      remedy:
        visible === undefined
          ? `Check that nvidia-smi lists one; start a container with the GPU (docker run --gpus all).`
          : `Unset CUDA_VISIBLE_DEVICES, or name a GPU that nvidia-smi lists.`,
    };
  }
  if (libtorch === undefined || libtorch.variant === 'cpu') {
    return {
      what: libtorch ? `LibTorch in ${libtorch.dir} is CPU-only` : 'LibTorch is not installed',
      remedy: `Install the CUDA build: npx semisup libtorch install --variant cu130. It takes precedence over the CPU build, unless SEMISUP_LIBTORCH is set.`,
    };
  }
  const needed = /^cu(\d+)\d$/.exec(libtorch.variant)?.[1];
  if (needed !== undefined && Number.parseInt(driver.cuda ?? needed, 10) < Number(needed)) {
    return {
      what: `NVIDIA's driver supports CUDA up to ${driver.cuda}, but LibTorch in ${libtorch.dir} requires CUDA ${needed}`,
      remedy: `Update the driver to ${oldestDriver} or newer, or set SEMISUP_LIBTORCH to a LibTorch for an older CUDA.`,
    };
  }
  if (backend === undefined) {
    return {
      what: `The CUDA backend library of semisup is not compiled for ${process.platform}-${process.arch}`,
      remedy: `In a clone, install LibTorch's CUDA headers (npx semisup libtorch install --variant cu130 --headers), then run 'npm run build:native'.`,
    };
  }
  return undefined;
}
