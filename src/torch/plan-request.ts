import { OptionError } from '../errors';
import type { InstructionSet, Tensor } from '../native';
import type { Transform } from '../types';
import type { DeviceHandle } from './device';
import type { TorchExecutor } from './executor';
import type { ModuleHandle } from './native';
import type { PlanChoices, PlanMeasurements } from './plan-choices';
import type { Precision } from './precision';

/** How a model runs, and why. */
export interface Plan {
  /**
   * `'planned'`: as a list of fused steps; `'compiled'`: as such a list from a file, without LibTorch; `'graph'`: as
   * CUDA graphs of such steps; `'interpreter'`: in TorchScript's interpreter.
   */
  readonly kind: 'planned' | 'compiled' | 'graph' | 'interpreter';
  /** The device that it runs on, e.g. `'cpu'` or `'cuda:0'`. */
  readonly device: string;
  readonly precision: Precision;
  /** The instruction set of its kernels; absent on a GPU and in the interpreter. */
  readonly instructionSet?: InstructionSet;
  /** Why this plan was chosen, as a sentence. */
  readonly reason: string;
  /** The algorithm of each convolution; absent unless the plan was tuned. */
  readonly choices?: PlanChoices;
  /** The measured speed on this machine; absent if it was not measured. */
  readonly measured?: PlanMeasurements;
}

/** Example inputs, which are used to calibrate and tune a plan. */
export interface PlanExample {
  /** The shape of one image, [c, h, w]. */
  readonly shape: readonly number[];
  /** The preprocessing of the images. */
  readonly transform: Transform;
  /**
   * Creates a batch of images, float32 [n, c, h, w], or for a GPU uint8 [n, h, w, c]. Called only if
   * needed.
   */
  createBatch(): Promise<Tensor>;
}

/** A method to plan, and the device to plan it for. */
export interface PlanRequest {
  readonly executor: TorchExecutor;
  readonly module: ModuleHandle;
  readonly method: string;
  readonly example: PlanExample;
  readonly device: DeviceHandle;
}

/**
 * The plan of a method that cannot be planned: TorchScript's interpreter runs it.
 *
 * @throws OptionError unless the precision is float32, the only one of the interpreter
 */
export function interpreterPlan(where: Pick<Plan, 'device' | 'precision'>, reason: string): Plan {
  const { precision } = where;
  if (precision === 'float32') {
    return { kind: 'interpreter', ...where, reason: `The model cannot be planned: ${reason}.` };
  }
  throw new OptionError('ERR_SEMISUP_OPTION_VALUE', {
    what: `The model cannot run in ${precision}, because ${reason}.`,
    remedy: `Use precision: 'float32', the default, or 'auto' with a tolerance, which selects the fastest one that can run.`,
    value: precision,
  });
}
