import type { GpuHandle, GpuLaunch } from './native';
import { plainly, type Plan, type PlanRequest } from './plan';

/** What a GPU computes in, the fastest first. */
export const gpuPrecisions = ['float16', 'bfloat16', 'tf32', 'float32'] as const;
export type GpuPrecision = (typeof gpuPrecisions)[number];

/**
 * Makes a plan of a method for a GPU: its batches run as CUDA graphs, one for each power of two, which
 * are recorded and measured when the first such batch comes; that of one image now.
 *
 * @throws OptionError if the method cannot run in the precision
 * @throws DeviceError if the GPU fails, or has too little memory
 */
export async function makeGpuPlan(
  { executor, module, method, example, device }: PlanRequest,
  gpu: GpuHandle,
  precision: GpuPrecision,
): Promise<Plan> {
  const { native, handle } = executor;
  const images = (await example.make()).handle;
  const { transform } = example;
  const launch = await native.planOnGpu(handle, module, method, gpu, precision, images, transform);
  const where = { device: device.name, precision };
  if ('reason' in launch) {
    const plan = plainly(where, launch.reason);
    await native.convertModule(handle, module, device.name, undefined);
    return plan;
  }
  return {
    kind: launch.isGraph ? 'graph' : 'planned',
    ...where,
    reason: describe(launch),
    measured: { alone: launch.milliseconds, parts: {} },
  };
}

function describe({ isGraph, isFused, milliseconds, failed }: GpuLaunch): string {
  const how = isGraph ? 'as a CUDA graph' : 'an operator at a time';
  const convolutions = isFused ? `cuDNN's fused convolutions` : `cuDNN's convolutions`;
  const found = `One image takes ${milliseconds.toPrecision(3)} ms ${how}, by ${convolutions}.`;
  return failed === undefined ? found : `${found} ${failed.trim().replace(/\.?$/, '.')}`;
}
