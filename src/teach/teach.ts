import { resolve } from 'node:path';
import { openDataset, type Dataset } from '../dataset';
import { classNamesOf, readPhotos, type PhotoList } from '../learning';
import { checkWritable } from '../torch';
import { openBaseModel } from './base-model';
import { computeFeatures, type Features } from './compute-features';
import { fitHead } from './fit-head';
import { assignFolds } from './folds';
import { judge } from './judge';
import type { TaughtModel } from './taught-model';
import { checkTeachOptions, type TeachOptions } from './teach-options';
import { writeModel } from './write-model';

/**
 * Teaches a model the classes of labeled images, by replacing its last layer: a multinomial logistic regression on the
 * embeddings of the images (a linear probe), with scikit-learn's objective. Its regularization is the one with the lowest
 * NLL in a stratified cross-validation, in which identical images are never apart; a temperature, fitted on the same
 * held-out predictions, calibrates the scores. The result is written as a TorchScript file, which `Classifier.open`,
 * `ModelSlot`, `semisup compile` and Python's `torch.jit.load` open.
 *
 * The classes are the labels of the dataset, sorted: names of directories, or labels of a list. Embeddings are cached by
 * the content of the image in the user's cache, so that a later call computes those of new images only, and one that
 * was interrupted goes on. Images that cannot be read are listed, and left out. Memory: 24 bytes per image and dimension of
 * the embedding, about 2.5 GB for 50,000 images of a ResNet-50.
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
  await checkWritable(path);
  const opened = typeof dataset === 'string' ? await openDataset(dataset) : dataset;
  const base = await openBaseModel(options);
  let list: PhotoList;
  let computed: Features;
  const startTime = performance.now();
  let read: number;
  try {
    list = await readPhotos(opened, {
      ...options,
      onProgress: (counts) => {
        options.onProgress?.({ phase: 'read', ...counts });
      },
    });
    classNamesOf(opened, list.labels, list.photos, list.unreadable);
    read = (performance.now() - startTime) / 1000;
    computed = await computeFeatures(base, opened, list.photos, options);
  } finally {
    await base.classifier.close();
  }
  const { photos, features, run } = computed;
  const classNames = classNamesOf(opened, list.labels, photos, run.unreadable);
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
    ...judge(metadata, head, { photos, labels }, { ...list, run }),
    ...{ temperature: head.temperature, c: head.c, regularizations: head.scores },
    embedded: run.computed,
    duration: { read, embed: run.seconds, solve: head.seconds },
  };
}
