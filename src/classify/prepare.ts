import { batch, decode, fallenLeaves, GpuJpegs } from '../image';
import { wrongValue } from '../options';
import type { Executor, OpenDevice, Plan, ScriptModule, Transform } from '../torch';
import type { RunOptions } from './run-options';

/** How many pictures by formula a plan is measured and calibrated with. */
const pictureCount = 8;

/** How many batches are under way: on a GPU, while one is computed, the next is prepared. */
export function instancesOn({ gpu }: OpenDevice): number {
  return gpu ? 2 : 1;
}

/** Plans a method of a model that takes images. @throws OptionError if it cannot run in the precision */
export async function makePlan(
  module: ScriptModule,
  method: string,
  transform: Transform,
  options: RunOptions,
  device: OpenDevice,
): Promise<Plan> {
  const { precision, tolerance, plan } = options;
  if (plan === 'plain') {
    if (device.name !== 'cpu') await module.moveTo(device);
    return {
      ...{ kind: 'plain', device: device.name, precision: 'float32' },
      reason: 'It was asked for.',
    };
  }
  const make = async () => {
    const given = options.calibration?.map((image) => decode(image, {}));
    const pixels = given ? await Promise.all(given) : await fallenLeaves(pictureCount);
    return await batch(module.executor, pixels, transform, device.gpu);
  };
  const shape = [3, transform.crop, transform.crop];
  const example = { shape, transform, make };
  return await module.plan(method, example, { precision, tolerance, plan }, device);
}

/** Where a GPU is to decode. @throws DeviceError if there is no nvJPEG */
export async function openJpegs(
  executor: Executor,
  { decode = 'cpu', plan }: RunOptions,
  { gpu }: OpenDevice,
): Promise<GpuJpegs | undefined> {
  if (decode === 'cpu') return undefined;
  if (gpu && plan !== 'plain') return await GpuJpegs.open(executor, gpu);
  throw wrongValue('decode', `'cpu', where no plan runs on a GPU,`, decode);
}
