import type { PlanMode } from './plan-options';
import { interpreterPlan, type Plan, type PlanRequest } from './plan-request';
import type { CpuPrecision } from './precision';
import { readTuning, tuningPath, writeTuning } from './tunings';

/** The approximate time limit of each phase of tuning, in seconds. */
const tuningSeconds = 2;

/**
 * Plans a method for the CPU. In int8 the example calibrates the ranges of activations.
 *
 * @throws OptionError if the method cannot run in the precision
 */
export async function makeCpuPlan(
  { executor, module, method, example, device }: PlanRequest,
  precision: CpuPrecision,
  mode: PlanMode,
): Promise<Plan> {
  const { native, handle } = executor;
  const where = { device: device.name, precision };
  const calibration = precision === 'int8' ? (await example.make()).handle : undefined;
  const outcome = await native.planMethod(handle, module, method, precision, calibration);
  if ('reason' in outcome) return interpreterPlan(where, outcome.reason);
  if (mode === 'default') {
    return { kind: 'planned', ...where, reason: 'Nothing was measured, as was asked for.' };
  }
  const path = tuningPath([
    ...[outcome.signature, precision, example.shape],
    ...[executor.threads, native.compiledFor],
  ]);
  const cached = mode === 'auto' ? await readTuning(path) : undefined;
  if (cached) {
    await native.selectAlgorithms(handle, module, method, cached.choices);
    return { kind: 'planned', ...where, reason: `It was measured before: ${path}.`, ...cached };
  }
  const images = await example.make();
  const tuned = await native.tunePlan(handle, module, method, images.handle, tuningSeconds);
  if ('reason' in tuned) return interpreterPlan(where, tuned.reason);
  await writeTuning(path, tuned);
  const reason = 'It was measured to be the fastest here.';
  return { kind: 'planned', ...where, reason, ...tuned };
}
