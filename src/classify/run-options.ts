import type { ImageInput } from '../image';
import { wrongValue } from '../options';
import { checkPlanOptions, type PlanOptions } from '../torch';

/** How a classifier runs. */
export interface RunOptions extends PlanOptions {
  /**
   * For the precisions `'int8'` and `'auto'`: images like those to come, 8 to 100 or so, by which it is
   * told what ranges of numbers 8 bits must hold; by default pictures by formula.
   */
  readonly calibration?: readonly ImageInput[];
  /**
   * Where JPEGs are decoded; `'cpu'` by default, with Pillow's pixels. On a GPU, `'gpu'` does it by
   * NVIDIA's nvJPEG: its colours differ, and its resized pixels by a level or two. JPEGs that it cannot
   * decode, those to be turned and all other images go by the CPU.
   */
  readonly decode?: 'cpu' | 'gpu';
}

/** @throws OptionError unless the options are of the right type, and fit together */
export function checkRunOptions(options: RunOptions): void {
  const { precision } = checkPlanOptions(options);
  const { calibration, decode } = options;
  if (decode !== undefined && decode !== 'cpu' && decode !== 'gpu') {
    throw wrongValue('decode', `'cpu' or 'gpu'`, decode);
  }
  if (calibration === undefined) return;
  if (!Array.isArray(calibration) || calibration.length === 0) {
    throw wrongValue('calibration', 'an array of images', calibration);
  }
  if (precision !== 'int8' && precision !== 'auto') {
    throw wrongValue('precision', `'int8' or 'auto' with a calibration`, precision);
  }
}
