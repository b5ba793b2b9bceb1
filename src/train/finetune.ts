import { openDataset, type Dataset } from '../dataset';
import type { FinetuneOptions } from './finetune-options';
import { checkFinetuneOptions, trainModel, type FinetunedModel } from './train-model';
import { sourceOf } from './training-source';

/**
 * Trains a model on labeled images, all of its layers or the last ones, and writes the best epoch as a TorchScript file
 * that `Classifier.open`, `ModelSlot`, `semisup compile` and Python's `torch.jit.load` open.
 *
 * The loss is cross-entropy. After each epoch the model is validated, and the state of the run is written to `runDir`:
 * `last.safetensors` has the weights, the optimizer and the moving averages, `best.safetensors` the best weights. A run that
 * was interrupted goes on after the last epoch that was written, and ends with the same weights as one that was not, bit
 * for bit, on the same machine with as many threads.
 *
 * @param dataset of `openDataset`, or the path of one
 * @throws TrainingError if the model cannot be trained, the loss is not finite any more, `runDir` belongs to another run, or
 *   a file cannot be written
 * @throws DatasetError if there are fewer than two classes, a class has fewer than two images, a directory has none, or
 *   identical images have different labels
 * @throws ModelError if the model is unknown, or `out` cannot be written
 * @throws OptionError if an option is unknown or has an invalid value
 */
export async function finetune(
  dataset: Dataset | string,
  options: FinetuneOptions,
): Promise<FinetunedModel> {
  const checked = await checkFinetuneOptions(options);
  const opened = typeof dataset === 'string' ? await openDataset(dataset) : dataset;
  return await trainModel(sourceOf(opened), checked);
}
