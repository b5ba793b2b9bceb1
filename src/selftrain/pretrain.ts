import type { Dataset } from '../dataset';
import { invalidArgument } from '../options';
import { Pool, readPseudoLabels, Selection } from '../pseudo-labels';
import {
  checkFinetuneOptions,
  trainModel,
  type FinetunedModel,
  type FinetuneOptions,
} from '../train';
import { pretrainRecipe, withRecipe } from './recipes';
import { selectedImages } from './selected-images';

/** Options of `pretrain`. */
export interface PretrainOptions extends FinetuneOptions {
  /** The images that were scored: one or several datasets. */
  readonly pool: Dataset | readonly Dataset[];
  /** The names of the teacher's classes, in its order; those of the student are the same. */
  readonly classes: readonly string[];
}

/** Where they are not those of `finetune`. */
const defaults = { epochs: 30, batchSize: 32, validation: 0 };

/**
 * Trains a student on the images that a teacher selected: the third step of Yalniz et al., "Billion-scale semi-supervised
 * learning for image classification" (2019, https://arxiv.org/abs/1905.00546). `finetune` with the true labels is the last.
 *
 * The labels are the classes that images were selected for. One with several labels is an example of each of them, and the
 * loss is softmax's cross-entropy: an epoch has each pair of image and class once. The learning rate is
 * the paper's by default: 0.1 for a batch of 256, in proportion to the batch, halved at 13 equally spaced moments. There is
 * no validation by default, because the labels are those of the teacher: the last epoch is written. Images in archives are
 * kept in memory as files.
 *
 * @param selection of `selectImages`, or the directory that it wrote
 * @param options as those of `finetune`, with other defaults: 30 epochs, `validation: 0`, and the paper's schedule
 * @throws TrainingError if the selection is missing or damaged, and as `finetune`
 * @throws DatasetError if the pool lacks an image that was selected, and as `finetune`
 * @throws OptionError if an option is unknown or has an invalid value
 */
export async function pretrain(
  selection: Selection | string,
  options: PretrainOptions,
): Promise<FinetunedModel> {
  const { pool, classes, ...rest } = options ?? {};
  const checked = await checkFinetuneOptions(withRecipe(pretrainRecipe, defaults, rest));
  checkClasses(classes);
  const images =
    selection instanceof Selection
      ? selection.images()
      : await readPseudoLabels(selection, classes.length);
  if (selection instanceof Selection && selection.numClasses !== classes.length) {
    throw invalidArgument('classes', `the names of ${selection.numClasses} classes`, classes);
  }
  return await trainModel(selectedImages(new Pool(pool), images, classes), checked, {
    ...{ classes, needsAllClasses: false, discardsUnfinished: false },
  });
}

function checkClasses(classes: unknown): void {
  const isList = Array.isArray(classes) && classes.every((name) => typeof name === 'string');
  if (isList && new Set(classes).size === classes.length && classes.length > 1) return;
  throw invalidArgument('classes', 'an array of different names', classes);
}
