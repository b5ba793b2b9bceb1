import { batch, deadLeavesImages } from '../image';
import type { Tensor } from '../native';
import type { DeviceHandle, Plan, PlanExample, PlanOptions, ScriptModule } from '../torch';
import type { Transform } from '../types';

/** The methods of a model that take images. */
export const methodNames = ['forward', 'features', 'class_maps', 'pyramid'] as const;
export type Method = (typeof methodNames)[number];

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
  const example = exampleOf(module, transform, device, calibration);
  return await module.plan(method, example, { precision, tolerance, plan }, device);
}

/** The images that calibrate, measure and check a plan. @param calibration see `createPlan` */
export function exampleOf(
  module: ScriptModule,
  transform: Transform,
  { gpu }: DeviceHandle,
  calibration?: () => Promise<Tensor>,
): PlanExample {
  const createBatch = async () => {
    const images = await deadLeavesImages(syntheticImageCount);
    return await batch(module.executor, images, transform, gpu);
  };
  return {
    shape: [3, transform.crop, transform.crop],
    transform,
    createBatch: calibration ?? createBatch,
  };
}
