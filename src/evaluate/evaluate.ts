import type { Classifier } from '../classify';
import { openDataset, type Dataset } from '../dataset';
import { rejectOnAbort } from '../native';
import { invalidValue } from '../options';
import { checkEvaluateOptions, type EvaluateOptions } from './evaluate-options';
import type { Evaluation } from './evaluation';
import { readTargets } from './targets';

/**
 * Measures the accuracy of a model on labeled images: top-1 and top-5 with confidence intervals, negative
 * log-likelihood, calibration, and scores per class. Several models, which must have the same classes, share one pass over the decoded
 * images. Images that cannot be read are counted and listed. Memory is bounded, but for about 600 bytes per image and model.
 *
 * @param dataset of `openDataset`, or the path of one
 * @throws DatasetError if the dataset contains no images, ends early, or has a label that names no class
 * @throws EvaluationError if the file of results belongs to another evaluation
 * @throws OptionError if an option is unknown or has an invalid value, or if the models have different classes
 */
export async function evaluate(
  model: Classifier,
  dataset: Dataset | string,
  options?: EvaluateOptions,
): Promise<Evaluation>;
export async function evaluate(
  models: readonly Classifier[],
  dataset: Dataset | string,
  options?: EvaluateOptions,
): Promise<Evaluation[]>;
export async function evaluate(
  models: Classifier | readonly Classifier[],
  dataset: Dataset | string,
  options: EvaluateOptions = {},
): Promise<Evaluation | Evaluation[]> {
  checkEvaluateOptions(options);
  const list = Array.isArray(models) ? (models as readonly Classifier[]) : [models as Classifier];
  checkClasses(list);
  const opened = typeof dataset === 'string' ? await openDataset(dataset) : dataset;
  // A tuned plan that replaces the first one in between would change logits in their last digits.
  const tuned = Promise.all(list.map((model) => model.whenTuned()));
  await rejectOnAbort(options.signal, tuned);
  const [{ classes, metadata }] = list as [Classifier];
  const targets = await readTargets(options, classes, metadata.name);
  if (options.realLabels === undefined) opened.labels?.forEach((label) => targets.classOf(label));
  // Loaded on first use.
  const { EvaluationRun } = require('./evaluation-run') as typeof import('./evaluation-run');
  const run = new EvaluationRun(list, opened, targets, options);
  const evaluations = await run.complete();
  return Array.isArray(models) ? evaluations : evaluations[0]!;
}

function checkClasses(models: readonly Classifier[]): void {
  const [first] = models;
  if (!first) throw invalidValue('the models', 'at least one model', models, 'Pass a model.');
  const names = first.classes.map(({ wnid, label }) => `${wnid} ${label}`).join('\n');
  for (const { classes, metadata } of models) {
    if (classes.map(({ wnid, label }) => `${wnid} ${label}`).join('\n') === names) continue;
    throw invalidValue(
      'the models',
      `models with the classes of ${first.metadata.name}`,
      metadata.name,
      'Evaluate models with other classes on their own.',
    );
  }
}
