import type { PlanMode } from './plan-options';
import { interpreterPlan, type Plan, type PlanRequest } from './plan-request';
import type { CpuPrecision } from './precision';
import { readTuning, tuningPath, writeTuning } from './tuning-cache';

/** The target duration of tuning, in seconds; it may take a few times as long. */
const tuningSeconds = 2;

/**
 * Plans a method for the CPU. In int8 the example images calibrate the ranges of the activations.
 *
 * @throws OptionError if the method cannot run in the precision
 */
export async function createCpuPlan(
  { executor, module, method, example, device }: PlanRequest,
  precision: CpuPrecision,
  mode: PlanMode,
): Promise<Plan> {
  const { native, handle } = executor;
  const where = { device: device.name, precision };
  const calibration = precision === 'int8' ? (await example.createBatch()).handle : undefined;
  const outcome = await native.planOnCpu(handle, module, method, precision, calibration);
  if ('reason' in outcome) return interpreterPlan(where, outcome.reason);
  const { instructionSet } = native;
  const planned = { kind: 'planned', ...where, instructionSet } as const;
  if (mode === 'untuned') {
    return { ...planned, reason: `Tuning is disabled by plan: 'untuned'.` };
  }
  const path = tuningPath([
    ...[outcome.signature, precision, example.shape],
    ...[executor.threads, native.compiledFor, instructionSet],
  ]);
  const cached = mode === 'auto' && path ? await readTuning(path) : undefined;
  if (cached) {
    await native.selectAlgorithms(handle, module, method, cached.choices);
    return { ...planned, reason: `The tuning was read from the cache: ${path}.`, ...cached };
  }
  const images = await example.createBatch();
  const tuned = await native.tunePlan(handle, module, method, images.handle, tuningSeconds);
  if ('reason' in tuned) return interpreterPlan(where, tuned.reason);
  if (path) await writeTuning(path, tuned);
  const reason = 'The algorithms were selected by measurement on this machine.';
  return { ...planned, reason, ...tuned };
}
