import { checkOptionNames, invalidValue } from '../options';
import type { CpuPrecision, Plan } from '../torch';

/** Options of `Classifier.compile`. */
export interface CompileOptions {
  /**
   * The precision of the compiled model: `'float32'`, `'bfloat16'` or `'int8'`; by default the model's own on the CPU,
   * and float32 on a GPU.
   */
  readonly precision?: 'float32' | 'bfloat16' | 'int8';
  /**
   * Compiled models of the same model for other processors, whose networks the file contains, too.
   *
   * @internal
   */
  readonly merge?: readonly string[];
}

const precisions: readonly CpuPrecision[] = ['float32', 'bfloat16', 'int8'];

/** @throws OptionError if an option is unknown or has an invalid value */
export function completeCompileOptions(
  options: CompileOptions,
  plan: Plan,
): Required<CompileOptions> {
  checkOptionNames(options, ['precision', 'merge'], 'compile');
  const { precision = precisionOf(plan), merge = [] } = options;
  if (!precisions.includes(precision)) {
    throw invalidValue('precision', `one of '${precisions.join(`', '`)}'`, precision);
  }
  return { precision, merge };
}

function precisionOf({ device, precision }: Plan): CpuPrecision {
  return device === 'cpu' ? (precision as CpuPrecision) : 'float32';
}
