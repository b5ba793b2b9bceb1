import { OptionError } from '../errors';
import type { Tensor } from '../native';
import { createCpuPlan } from './cpu-plan';
import { createGpuPlan } from './gpu-plan';
import { checkPlanOptions, type PlanOptions } from './plan-options';
import type { Plan, PlanRequest } from './plan-request';
import {
  checkPrecision,
  precisionsOf,
  type CpuPrecision,
  type GpuPrecision,
  type Precision,
} from './precision';

/**
 * Plans a method. Afterwards, calls of the method with one float32 tensor [n, c, h, w] use the plan.
 *
 * @throws OptionError if the method cannot run in the precision
 */
export async function createPlan(request: PlanRequest, options: PlanOptions): Promise<Plan> {
  const { executor, module, method, example, device } = request;
  const { gpu } = device;
  const { precision, plan: mode, tolerance } = checkPlanOptions(options);
  checkPrecision(precision, device);
  let batch: Promise<Tensor> | undefined;
  const images = () => (batch ??= example.createBatch());
  const shared = { ...request, example: { ...example, createBatch: images } };
  const planIn = (candidate: Precision) =>
    gpu
      ? createGpuPlan(shared, gpu, candidate as GpuPrecision)
      : createCpuPlan(shared, candidate as CpuPrecision, mode);
  try {
    if (precision !== 'auto') return await planIn(precision);
    if (tolerance === 0) return await planIn('float32');
    for (const candidate of precisionsOf(device)) {
      if (candidate === 'float32') break;
      const plan = await undefinedIfUnsupported(planIn(candidate));
      if (!plan) continue;
      const { native, handle } = executor;
      const compared = (await images()).handle;
      const difference = await native.comparePlan(handle, module, method, compared);
      // Negated, so that NaN exceeds the tolerance too.
      if (!(difference <= tolerance)) continue;
      const reason = `The output differs from float32 by ${percent(difference)}, within the tolerance of ${percent(tolerance)}. ${plan.reason}`;
      return { ...plan, reason };
    }
    const plan = await planIn('float32');
    const reason = `No other precision is within the tolerance of ${percent(tolerance)}. ${plan.reason}`;
    return { ...plan, reason };
  } finally {
    await batch?.then(
      (tensor) => {
        tensor.dispose();
      },
      () => undefined,
    );
  }
}

async function undefinedIfUnsupported(planning: Promise<Plan>): Promise<Plan | undefined> {
  try {
    return await planning;
  } catch (error) {
    if (error instanceof OptionError) return undefined;
    throw error;
  }
}

function percent(ratio: number): string {
  return `${Number((100 * ratio).toPrecision(2))} %`;
}
