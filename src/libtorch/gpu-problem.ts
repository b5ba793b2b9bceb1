import type { LibTorch } from './find';
import type { GpuDriver } from './gpu-driver';

/** What is wrong, and what to do. */
export interface GpuProblem {
  readonly what: string;
  readonly remedy: string;
}

/** NVIDIA's drivers run CUDA 13 from this version on. */
const oldestDriver = '580';

/**
 * Why LibTorch cannot use a GPU, if it cannot: there is no driver, it fails, it finds no GPU, LibTorch
 * is for the CPU alone, or for a newer CUDA than the driver runs, or the part of this package for CUDA
 * is not compiled. A driver runs all of CUDA's versions
 * of one major version (NVIDIA, "CUDA Compatibility").
 *
 * @param libtorch undefined where there is none
 * @param part the library for what names CUDA's functions, if there is one
 * @param visible what `CUDA_VISIBLE_DEVICES` says
 */
export function gpuProblem(
  driver: GpuDriver,
  libtorch: Pick<LibTorch, 'dir' | 'variant'> | undefined,
  part: string | undefined,
  visible = process.env.CUDA_VISIBLE_DEVICES,
): GpuProblem | undefined {
  if (driver.missing !== undefined) {
    return {
      what: `No driver of NVIDIA's can be opened: ${driver.missing}`,
      remedy: `Where there is a GPU, install NVIDIA's driver ${oldestDriver} or newer; a container must be started with the GPU (docker run --gpus all).`,
    };
  }
  if (driver.failure !== undefined) {
    return {
      what: `NVIDIA's driver cannot be used: ${driver.failure}`,
      remedy: `See whether nvidia-smi works. A driver that was just updated needs a restart, and a container the libraries of its host's driver.`,
    };
  }
  if (driver.gpus.length === 0) {
    return {
      what: `NVIDIA's driver finds no GPU${visible === undefined ? '' : ` among those that CUDA_VISIBLE_DEVICES ('${visible}') leaves`}`,
      remedy:
        visible === undefined
          ? `See whether nvidia-smi lists one; a container must be started with the GPU (docker run --gpus all).`
          : `Unset CUDA_VISIBLE_DEVICES, or name a GPU that nvidia-smi lists.`,
    };
  }
  if (libtorch === undefined || libtorch.variant === 'cpu') {
    return {
      what: libtorch ? `LibTorch in ${libtorch.dir} is for the CPU alone` : 'There is no LibTorch',
      remedy: `Fetch the one for CUDA: npx semisup libtorch install --variant cu130. It is taken before the CPU's then, unless SEMISUP_LIBTORCH names another.`,
    };
  }
  const needed = /^cu(\d+)\d$/.exec(libtorch.variant)?.[1];
  if (needed !== undefined && Number.parseInt(driver.cuda ?? needed, 10) < Number(needed)) {
    return {
      what: `NVIDIA's driver runs CUDA ${driver.cuda} at most, and LibTorch in ${libtorch.dir} is for CUDA ${needed}`,
      remedy: `Update the driver to ${oldestDriver} or newer, or name a LibTorch for an older CUDA by SEMISUP_LIBTORCH.`,
    };
  }
  if (part === undefined) {
    return {
      what: `The part of semisup for CUDA is not compiled for ${process.platform}-${process.arch}`,
      remedy: `In a clone fetch LibTorch's headers for CUDA (npx semisup libtorch install --variant cu130 --headers), then run 'npm run build:native'.`,
    };
  }
  return undefined;
}
