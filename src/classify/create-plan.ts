import { batch, deadLeavesImages } from '../image';
import type { DeviceHandle, Plan, PlanOptions, ScriptModule, Tensor } from '../torch';
import type { Transform } from '../types';

/** A method of a model that takes images. */
export type Method = 'forward' | 'features';

/** The number of synthetic images that calibrate and measure a plan. */
const syntheticImageCount = 8;

/**
 * Plans a method of a module.
 *
 * @param calibration loads the images that calibrate the plan; synthetic ones by default
 * @throws OptionError if the method cannot run in the precision
 */
export async function createPlan(
  module: ScriptModule,
  method: Method,
  transform: Transform,
  { precision, tolerance, plan }: PlanOptions,
  device: DeviceHandle,
  calibration?: () => Promise<Tensor>,
): Promise<Plan> {
  if (plan === 'interpreter') {
    if (device.name !== 'cpu') await module.moveToOpenDevice(device);
    return {
      ...{ kind: 'interpreter', device: device.name, precision: 'float32' },
      reason: `It was requested by plan: 'interpreter'.`,
    };
  }
  const createBatch = async () => {
    const images = await deadLeavesImages(syntheticImageCount);
    return await batch(module.executor, images, transform, device.gpu);
  };
  const shape = [3, transform.crop, transform.crop];
  const example = { shape, transform, createBatch: calibration ?? createBatch };
  return await module.plan(method, example, { precision, tolerance, plan }, device);
}
