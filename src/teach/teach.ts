import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Classifier } from '../classify';
import { openDataset, type Dataset } from '../dataset';
import { calibrate, summarize, toAnswer, type Evaluation, type PictureResult } from '../evaluate';
import { classesOf, type ModelMetadata } from '../models';
import { rejectOnAbort } from '../native';
import { invalidValue } from '../options';
import { checkWritable } from '../torch';
import { openBaseModel, type BaseModel } from './base-model';
import { classNamesOf } from './class-names';
import type { RegularizationScore } from './cross-validate';
import { withEmbeddingCache } from './embedding-cache';
import { embedPhotos, type EmbeddingRun } from './embed-photos';
import { fitHead, type FittedHead } from './fit-head';
import { assignFolds } from './folds';
import { findLabelIssues, type LabelIssue } from './label-issues';
import { readPhotos, type Photo, type PhotoList } from './read-photos';
import { checkTeachOptions, type TeachOptions } from './teach-options';
import { writeModel } from './write-model';

/** A model that learned new classes, and how well. */
export interface TaughtModel {
  /** The absolute path of the TorchScript file. */
  readonly path: string;
  readonly metadata: ModelMetadata;
  /**
   * The accuracy by cross-validation: each image is judged by a model that did not learn from it, with the temperature.
   * The written model, which learned from all, is usually a little better.
   */
  readonly evaluation: Evaluation;
  /** The expected calibration error without the temperature, 0 to 1. */
  readonly uncalibratedEce: number;
  /** The divisor of the logits, which is in the weights already. */
  readonly temperature: number;
  /** The inverse of the regularization's strength, as in scikit-learn's `LogisticRegression`. */
  readonly c: number;
  /** The regularizations that were compared, from strong to weak. */
  readonly regularizations: readonly RegularizationScore[];
  /** The images whose labels are probably wrong, most probable first. */
  readonly labelIssues: readonly LabelIssue[];
  /** The number of embeddings that were computed; the others were in the cache. */
  readonly embedded: number;
  /** In seconds. */
  readonly duration: Readonly<Record<'read' | 'embed' | 'solve', number>>;
}

/**
 * Teaches a model the classes of labeled images, by replacing its last layer: a multinomial logistic regression on the
 * embeddings of the images (a linear probe), with scikit-learn's objective. Its regularization is the one with the lowest
 * NLL in a stratified cross-validation, in which identical images are never apart; a temperature, fitted on the same
 * held-out predictions, calibrates the scores. The result is written as a TorchScript file, which `Classifier.open`,
 * `ModelSlot`, `semisup compile` and Python's `torch.jit.load` open.
 *
 * The classes are the labels of the dataset, sorted: names of directories, or labels of a list. Embeddings are cached by
 * the content of the image in the user's cache, so that a later call computes those of new images only, and one that
 * was interrupted goes on. Images that cannot be read are listed, and left out. Memory: 20 bytes per image and dimension of
 * the embedding, about 2 GB for 50,000 images of a ResNet-50.
 *
 * @param dataset of `openDataset`, or the path of one
 * @throws DatasetError if there are fewer than two classes, a class has fewer than two images, a directory has none, or
 *   identical images have different labels
 * @throws ModelError if the model is unknown or has another architecture than those of the hub, or `out` cannot be written
 * @throws EmbeddingsError if the cache cannot be written
 * @throws OptionError if an option is unknown or has an invalid value
 */
export async function teach(
  dataset: Dataset | string,
  options: TeachOptions,
): Promise<TaughtModel> {
  checkTeachOptions(options);
  const path = resolve(options.out);
  await checkOutput(path);
  const opened = typeof dataset === 'string' ? await openDataset(dataset) : dataset;
  const base = await openBaseModel(options);
  let list: PhotoList;
  let embedded: Embedded;
  const startTime = performance.now();
  let read: number;
  try {
    list = await readPhotos(opened, options);
    classNamesOf(opened.name, list.photos, opened.emptyClasses);
    read = (performance.now() - startTime) / 1000;
    embedded = await embed(base, opened, list.photos, options);
  } finally {
    await base.classifier.close();
  }
  const { photos, features, run } = embedded;
  const classNames = classNamesOf(opened.name, photos);
  const indices = new Map(classNames.map((name, index) => [name, index]));
  const labels = photos.map(({ label }) => indices.get(label)!);
  const { folds = 5, seed = 0, classWeight, signal } = options;
  const head = await fitHead(
    features,
    {
      ...{ labels, classes: classNames.length, folds: assignFolds(photos, folds, seed) },
      isBalanced: classWeight === 'balanced',
    },
    options,
  );
  const metadata = await writeModel(path, base, classNames, head, signal);
  return {
    ...{ path, metadata },
    ...judge(metadata, head, photos, labels, { ...list, run }),
    ...{ temperature: head.temperature, c: head.c, regularizations: head.scores },
    embedded: run.computed,
    duration: { read, embed: run.seconds, solve: head.seconds },
  };
}

interface Embedded {
  /** Those that can be decoded. */
  readonly photos: readonly Photo[];
  /** [n, d] */
  readonly features: Float32Array;
  readonly run: EmbeddingRun;
}

async function embed(
  { classifier, identity }: BaseModel,
  dataset: Dataset,
  all: readonly Photo[],
  options: TeachOptions,
): Promise<Embedded> {
  const { orient = false } = options;
  // A tuned plan that replaces the first one in between would change embeddings in their last digits.
  await rejectOnAbort(options.signal, classifier.whenTuned());
  const conditions = conditionsOf(classifier, identity, orient);
  return await withEmbeddingCache(conditions, options.signal, async (rows, signal) => {
    const run = await embedPhotos(classifier, dataset, all, rows, { ...options, orient, signal });
    const photos = all.filter(({ sha256 }) => rows.has(sha256, ''));
    const dimensions = rows.dimensions ?? 0;
    const features = new Float32Array(photos.length * dimensions);
    let position = 0;
    for await (const { embedding } of rows.read(
      photos.map(({ sha256 }) => sha256),
      signal,
    )) {
      features.set(embedding, position);
      position += dimensions;
    }
    return { photos, features, run };
  });
}

/** All that the embeddings depend on. */
function conditionsOf(
  { metadata, plan }: Classifier,
  model: BaseModel['identity'],
  orient: boolean,
): Record<string, unknown> {
  const device = plan.device.startsWith('cpu') ? 'cpu' : 'gpu';
  return { model, precision: plan.precision, device, transform: metadata.transform, orient };
}

/** The metrics of the cross-validation. */
function judge(
  metadata: ModelMetadata,
  { logits, temperature }: FittedHead,
  photos: readonly Photo[],
  labels: readonly number[],
  { unreadable, unlabeled, run }: PhotoList & { readonly run: EmbeddingRun },
): Pick<TaughtModel, 'evaluation' | 'uncalibratedEce' | 'labelIssues'> {
  const classes = classesOf(metadata);
  const answers = (divisor: number) =>
    photos.map(({ name }, i): PictureResult => {
      const row = Float32Array.from(logits.subarray(i * classes.length, (i + 1) * classes.length));
      return { name, ...toAnswer([labels[i]!], row, undefined, divisor) };
    });
  const evaluation = summarize(metadata, classes, answers(temperature), {
    ...{ unreadable: [...unreadable, ...run.unreadable], unlabeled, excluded: [] },
    ...{ views: 'center', temperature, throughput: run.computed / run.seconds },
  });
  const names = photos.map(({ name }) => name);
  const classNames = classes.map(({ label }) => label);
  const probabilities = softmax(logits, classes.length, temperature);
  return {
    evaluation,
    uncalibratedEce: calibrate(answers(1)).ece,
    labelIssues: findLabelIssues(probabilities, labels, names, classNames),
  };
}

function softmax(logits: Float64Array, classes: number, temperature: number): Float64Array {
  const probabilities = new Float64Array(logits.length);
  for (let start = 0; start < logits.length; start += classes) {
    const row = logits.subarray(start, start + classes);
    const maximum = row.reduce((a, b) => Math.max(a, b));
    const exponentials = row.map((logit) => Math.exp((logit - maximum) / temperature));
    const sum = exponentials.reduce((a, b) => a + b);
    probabilities.set(
      exponentials.map((one) => one / sum),
      start,
    );
  }
  return probabilities;
}

/** Before hours of work. */
async function checkOutput(path: string): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (stats && !stats.isFile()) {
    throw invalidValue('out', 'the path of a file', path, 'Choose another path.');
  }
  await checkWritable(path);
}
