import { OptionError } from '../errors';
import { wrongValue } from '../options';
import type { Executor } from './executor';
import type { OpenDevice } from './device';
import { gpuPrecisions, makeGpuPlan, type GpuPrecision } from './gpu-plan';
import type { ModuleHandle, PlanChoices, PlanMeasured, Transform } from './native';
import type { Tensor } from './tensor';
import { readTuning, tuningPath, writeTuning } from './tunings';

/** What a processor computes in, the fastest first. */
const cpuPrecisions = ['int8', 'bfloat16', 'float32'] as const;
type CpuPrecision = (typeof cpuPrecisions)[number];
const precisions = ['float32', 'bfloat16', 'int8', 'float16', 'tf32'] as const;
const modes = ['auto', 'tune', 'default', 'plain'] as const;

/**
 * The arithmetic of a model's forward; its input and output are float32 always. In `'int8'` the
 * convolutions are of 8-bit weights, with a scale for each channel, and 8-bit activations: on the CPU
 * alone. `'float16'` and `'tf32'` are for GPUs alone; the latter is float32 whose products have 10 bits
 * after the point (PyTorch's documentation, "TensorFloat-32 (TF32) on Ampere (and later) devices").
 */
export type Precision = (typeof precisions)[number];

/**
 * How a model's forward is found: `'auto'` measures what is fastest once on each machine and keeps it,
 * `'tune'` measures anew, `'default'` measures nothing, and `'plain'` leaves all to TorchScript.
 */
export type PlanMode = (typeof modes)[number];

/** Options of what runs by a plan. */
export interface PlanOptions {
  /**
   * The arithmetic; `'float32'` by default. `'auto'` is the first of int8, bfloat16 and float32, or on a
   * GPU of float16, bfloat16, tf32 and float32, whose output differs from float32's by no more than
   * `tolerance`, as measured at each load.
   */
  readonly precision?: Precision | 'auto';
  /**
   * With the precision `'auto'`: by how much an output may differ, as a part of the largest number of
   * the output. 0 by default, which only float32 keeps to.
   */
  readonly tolerance?: number;
  /** How the fastest way to run it is found; `'auto'` by default. */
  readonly plan?: PlanMode;
}

/** How a model runs, and why so. */
export interface Plan {
  /**
   * `'planned'`: as a list of fused steps; `'graph'`: these as CUDA graphs; `'plain'`: by TorchScript's
   * interpreter.
   */
  readonly kind: 'planned' | 'graph' | 'plain';
  /** Where it runs, e.g. `'cpu'` or `'cuda:0'`. */
  readonly device: string;
  readonly precision: Precision;
  /** Why it is so, as a sentence. */
  readonly reason: string;
  /** What was chosen for each convolution, where it is planned. */
  readonly choices?: PlanChoices;
  /** What was measured, on this machine, for it. */
  readonly measured?: PlanMeasured;
}

/** What a plan is measured with. */
export interface PlanExample {
  /** Of one image, [c, h, w]. */
  readonly shape: readonly number[];
  /** What images go through. */
  readonly transform: Transform;
  /**
   * Makes a batch of such images, float32 [n, c, h, w], or for a GPU bytes [n, h, w, c]; called only
   * where it is needed.
   */
  make(): Promise<Tensor>;
}

/** What is planned, and for which device. */
export interface PlanRequest {
  readonly executor: Executor;
  readonly module: ModuleHandle;
  readonly method: string;
  readonly example: PlanExample;
  readonly device: OpenDevice;
}

/** For about how long each part of the tuning may go on, in seconds. */
const tuningSeconds = 2;

/** @throws OptionError unless both options are among those there are, and fit together */
export function checkPlanOptions(options: PlanOptions): Required<PlanOptions> {
  const { precision = 'float32', plan = 'auto', tolerance } = options;
  const known = [...precisions, 'auto'] as const;
  if (!known.includes(precision)) {
    throw wrongValue('precision', `one of '${known.join(`', '`)}'`, precision);
  }
  if (!modes.includes(plan)) {
    throw wrongValue('plan', `one of '${modes.join(`', `)}'`, plan);
  }
  if (plan === 'plain' && precision !== 'float32' && precision !== 'auto') {
    throw wrongValue('precision', `'float32' with the plan 'plain'`, precision);
  }
  if (tolerance === undefined) return { precision, plan, tolerance: 0 };
  if (typeof tolerance !== 'number' || !(tolerance >= 0 && tolerance < 1)) {
    throw wrongValue('tolerance', 'a number from 0 to 1', tolerance);
  }
  if (precision !== 'auto') throw wrongValue('precision', `'auto' with a tolerance`, precision);
  return { precision, plan, tolerance };
}

/** What a device computes in, the fastest first. */
export function precisionsOf({ gpu }: OpenDevice): readonly Precision[] {
  return gpu ? gpuPrecisions : cpuPrecisions;
}

/** @throws OptionError if the device does not compute in a precision */
export function checkPrecision(precision: Precision | 'auto', device: OpenDevice): void {
  const known = [...precisionsOf(device), 'auto'] as const;
  if (known.includes(precision)) return;
  const where = device.gpu ? 'on a GPU' : 'on the CPU';
  throw wrongValue('precision', `one of '${known.join(`', '`)}' ${where}`, precision);
}

/**
 * Makes a plan of a method, which calls with one float32 tensor [n, c, h, w] go by from then on.
 *
 * @throws OptionError if the method cannot run in the precision
 */
export async function makePlan(request: PlanRequest, options: PlanOptions): Promise<Plan> {
  const { executor, module, method, example, device } = request;
  const { gpu } = device;
  const { precision, plan: mode, tolerance } = checkPlanOptions(options);
  checkPrecision(precision, device);
  let making: Promise<Tensor> | undefined;
  const images = () => (making ??= example.make());
  const again = { ...request, example: { ...example, make: images } };
  const planIn = (one: Precision) =>
    gpu
      ? makeGpuPlan(again, gpu, one as GpuPrecision)
      : makeCpuPlan(again, one as CpuPrecision, mode);
  try {
    if (precision !== 'auto') return await planIn(precision);
    if (tolerance === 0) return await planIn('float32');
    for (const one of precisionsOf(device)) {
      if (one === 'float32') break;
      const plan = await unlessRefused(planIn(one));
      if (!plan) continue;
      const { native, handle } = executor;
      const compared = (await images()).handle;
      const difference = await native.comparePlan(handle, module, method, compared);
      // What is no number is too much as well.
      if (!(difference <= tolerance)) continue;
      const reason = `Its output differs from that of float32 by ${percent(difference)}, which the tolerance of ${percent(tolerance)} allows. ${plan.reason}`;
      return { ...plan, reason };
    }
    const plan = await planIn('float32');
    const reason = `No other precision keeps to the tolerance of ${percent(tolerance)}. ${plan.reason}`;
    return { ...plan, reason };
  } finally {
    await making?.then(
      (tensor) => {
        tensor.dispose();
      },
      () => undefined,
    );
  }
}

async function unlessRefused(making: Promise<Plan>): Promise<Plan | undefined> {
  try {
    return await making;
  } catch (error) {
    if (error instanceof OptionError) return undefined;
    throw error;
  }
}

function percent(part: number): string {
  return `${Number((100 * part).toPrecision(2))} %`;
}

/** The example tells, too, the ranges of what is kept in 8 bits. */
async function makeCpuPlan(
  { executor, module, method, example, device }: PlanRequest,
  precision: CpuPrecision,
  mode: PlanMode,
): Promise<Plan> {
  const { native, handle } = executor;
  const where = { device: device.name, precision };
  const ranges = precision === 'int8' ? (await example.make()).handle : undefined;
  const outcome = await native.planMethod(handle, module, method, precision, ranges);
  if ('reason' in outcome) return plainly(where, outcome.reason);
  if (mode === 'default') {
    return { kind: 'planned', ...where, reason: 'Nothing was measured, as was asked for.' };
  }
  const path = tuningPath([
    ...[outcome.signature, precision, example.shape],
    ...[executor.threads, native.compiledFor],
  ]);
  const kept = mode === 'auto' ? await readTuning(path) : undefined;
  if (kept) {
    await native.choosePlan(handle, module, method, kept.choices);
    return { kind: 'planned', ...where, reason: `It was measured before: ${path}.`, ...kept };
  }
  const images = await example.make();
  const tuned = await native.tunePlan(handle, module, method, images.handle, tuningSeconds);
  if ('reason' in tuned) return plainly(where, tuned.reason);
  await writeTuning(path, tuned);
  const reason = 'It was measured to be the fastest here.';
  return { kind: 'planned', ...where, reason, ...tuned };
}

/** @throws OptionError unless TorchScript's interpreter does the same */
export function plainly(where: Pick<Plan, 'device' | 'precision'>, reason: string): Plan {
  const { precision } = where;
  if (precision === 'float32') {
    return { kind: 'plain', ...where, reason: `No plan can be made: ${reason}.` };
  }
  throw new OptionError('ERR_SEMISUP_OPTION_VALUE', {
    what: `The model cannot run in ${precision}, because ${reason}.`,
    todo: `Leave the option 'precision' out.`,
    value: precision,
  });
}
