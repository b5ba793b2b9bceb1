import type { GpuHandle, GpuLaunchConfig } from './native';
import { interpreterPlan, type Plan, type PlanRequest } from './plan-request';
import type { GpuPrecision } from './precision';

/**
 * Plans a method for a GPU. Batches run as CUDA graphs, one for each power-of-two batch size. The graph
 * for a single image is captured immediately; each other graph is captured when a batch of its size
 * first arrives.
 *
 * @throws OptionError if the method cannot run in the precision
 * @throws DeviceError if the GPU fails, or has too little memory
 */
export async function createGpuPlan(
  { executor, module, method, example, device }: PlanRequest,
  gpu: GpuHandle,
  precision: GpuPrecision,
): Promise<Plan> {
  const { native, handle } = executor;
  const images = (await example.createBatch()).handle;
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

function describe({ isGraph, isFused, milliseconds, failures }: GpuLaunchConfig): string {
  const how = isGraph ? 'as a CUDA graph' : 'operator by operator';
  const convolutions = isFused ? `cuDNN's fused convolutions` : `cuDNN's convolutions`;
  const summary = `One image takes ${milliseconds.toPrecision(3)} ms ${how}, with ${convolutions}.`;
  return failures === undefined ? summary : `${summary} ${failures.trim().replace(/\.?$/, '.')}`;
}
