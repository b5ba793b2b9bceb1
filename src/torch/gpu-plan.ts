import type { GpuHandle, GpuLaunch } from './native';
import { interpreterPlan, type Plan, type PlanRequest } from './plan-request';
import type { GpuPrecision } from './precision';

/**
 * Plans a method for a GPU. Batches run as CUDA graphs, one for each power of two; the graph of one
 * image is captured now, the others when a batch of their size first arrives.
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
    const plan = interpreterPlan(where, launch.reason);
    await native.convertModule(handle, module, device.name, undefined);
    return plan;
  }
  return {
    kind: launch.isGraph ? 'graph' : 'planned',
    ...where,
    reason: describe(launch),
    measured: { latency: launch.milliseconds, throughput: {} },
  };
}

function describe({ isGraph, isFused, milliseconds, failed }: GpuLaunch): string {
  const how = isGraph ? 'as a CUDA graph' : 'an operator at a time';
  const convolutions = isFused ? `cuDNN's fused convolutions` : `cuDNN's convolutions`;
  const found = `One image takes ${milliseconds.toPrecision(3)} ms ${how}, by ${convolutions}.`;
  return failed === undefined ? found : `${found} ${failed.trim().replace(/\.?$/, '.')}`;
}
