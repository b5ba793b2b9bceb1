import { invalidValue } from '../options';
import { precisions, type Precision } from './precision';

const modes = ['auto', 'tune', 'untuned', 'interpreter'] as const;

/**
 * How a model's plan is chosen: `'auto'` tunes it once per machine and caches the result, `'tune'`
 * tunes it again and replaces the cached result, `'untuned'` uses preset algorithms without measuring,
 * and `'interpreter'` runs TorchScript's interpreter without a plan.
 */
export type PlanMode = (typeof modes)[number];

/** The options of a model's plan. */
export interface PlanOptions {
  /**
   * The precision in which the model computes; `'float32'` by default. `'auto'` is the fastest one
   * whose output differs from float32's by at most `tolerance`, as measured at each load: the first
   * of int8, bfloat16 and float32, or on a GPU of float16, bfloat16, tf32 and float32.
   */
  readonly precision?: Precision | 'auto';
  /**
   * With the precision `'auto'`: the largest allowed difference from the float32 output, relative to its
   * largest absolute value. 0 by default, which only float32 satisfies.
   */
  readonly tolerance?: number;
  /** How the plan is chosen; `'auto'` by default. */
  readonly plan?: PlanMode;
}

/** The names of all `PlanOptions`. */
export const planOptionNames = Object.keys({
  precision: true,
  tolerance: true,
  plan: true,
} satisfies Record<keyof PlanOptions, true>) as readonly (keyof PlanOptions)[];

/** @throws OptionError unless the options have valid values that are compatible with each other */
export function checkPlanOptions(options: PlanOptions): Required<PlanOptions> {
  const { precision = 'float32', plan = 'auto', tolerance } = options;
  const known = [...precisions, 'auto'] as const;
  if (!known.includes(precision)) {
    throw invalidValue('precision', `one of '${known.join(`', '`)}'`, precision);
  }
  if (!modes.includes(plan)) {
    throw invalidValue('plan', `one of '${modes.join(`', '`)}'`, plan);
  }
  if (plan === 'interpreter' && precision !== 'float32' && precision !== 'auto') {
    throw invalidValue('precision', `'float32' with plan: 'interpreter'`, precision);
  }
  if (tolerance === undefined) return { precision, plan, tolerance: 0 };
  if (typeof tolerance !== 'number' || !(tolerance >= 0 && tolerance < 1)) {
    throw invalidValue('tolerance', 'a number that is at least 0 and less than 1', tolerance);
  }
  if (precision !== 'auto') throw invalidValue('precision', `'auto' with a tolerance`, precision);
  return { precision, plan, tolerance };
}
