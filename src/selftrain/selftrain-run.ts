import { resolve } from 'node:path';
import type { Conditions } from '../conditions';
import type { Dataset } from '../dataset';
import { fileOfModel, hashImages, readPhotos } from '../learning';
import { isArchitectureName } from '../models';
import { sha256File } from '../net/hash';
import { completeScorePoolOptions, readPseudoLabels, type Pool } from '../pseudo-labels';
import { sourceOf } from '../train';
import { readLabeledImages, type LabeledImages } from './labeled-images';
import { Manifest, type SelftrainStep } from './manifest';
import { fileOf, outputOf, type RunContext } from './run-context';
import { completeScoring } from './scoring-step';
import { selectedImages } from './selected-images';
import { completeSelection } from './selection-step';
import { modelsOf, type SelftrainOptions } from './selftrain-options';
import { readTagTable, taggedImages } from './tags';
import { completeTraining, type TrainingTask } from './training-step';

const defaultValidation = 0.1;

/** The images of a run. */
export interface RunImages {
  readonly labeled: Dataset;
  readonly pool: Pool;
  /** Those with tags, if there are any. */
  readonly weak: Dataset | undefined;
}

/**
 * Does the steps that are not done, and returns all up to the last one that was asked for.
 *
 * @param directory an absolute path
 * @param signal of the lock on the directory
 */
export async function runSelftraining(
  images: RunImages,
  directory: string,
  options: SelftrainOptions,
  signal: AbortSignal,
): Promise<readonly SelftrainStep[]> {
  const manifest = await Manifest.open(directory, signal);
  const labeled = await readLabeled(images, options, signal);
  const context = { directory, manifest, options, labeled, pool: images.pool, signal };
  const { until = 'finetune', onStep } = options;
  const steps: SelftrainStep[] = [];
  for await (const done of completeSteps(context, images.weak)) {
    steps.push(done);
    onStep?.(done);
    if (done.step === until) break;
  }
  return steps;
}

async function* completeSteps(
  context: RunContext,
  weak: Dataset | undefined,
): AsyncGenerator<SelftrainStep> {
  const { options, labeled, pool, signal } = context;
  const { classes } = labeled;
  const models = modelsOf(options);
  const supervised = sourceOf(labeled.training);
  const [teacher, student] = [
    fileOf(context, 'teacher', 'teacher.pt'),
    fileOf(context, 'pretrain', 'student.pt'),
  ];

  let base: Pick<TrainingTask, 'model' | 'conditions' | 'inputs'> = {
    model: models.teacher,
    conditions: { model: await identityOf(models.teacher, signal) },
    inputs: {},
  };
  if (weak) {
    const file = fileOf(context, 'weak', 'weak.pt');
    const { source, conditions } = await readTags(context, weak);
    const tagged = await completeTraining(context, {
      ...{ ...base, step: 'weak', file, source },
      conditions: { ...base.conditions, ...conditions },
    });
    yield tagged;
    base = { model: file, conditions: {}, inputs: { model: outputOf(tagged, 'weak.pt') } };
  }
  const trained = await completeTraining(context, {
    ...{ ...base, step: 'teacher', file: teacher, source: supervised },
  });
  yield trained;

  const scored = await completeScoring(context, teacher, outputOf(trained, 'teacher.pt'));
  yield scored;

  const selected = await completeSelection(context, scored);
  yield selected;

  const images = await readPseudoLabels(fileOf(context, 'select', ''), classes.length);
  const pretrained = await completeTraining(context, {
    ...{ step: 'pretrain', model: models.student, file: student },
    source: selectedImages(pool, images, classes),
    conditions: { model: await identityOf(models.student, signal) },
    inputs: { selection: outputOf(selected, 'images.parquet') },
  });
  yield pretrained;

  yield await completeTraining(context, {
    ...{ step: 'finetune', model: student, file: resolve(options.out), source: supervised },
    conditions: {},
    inputs: { model: outputOf(pretrained, 'student.pt') },
  });
}

/** Reads the labeled images, and checks what depends on their classes before anything is trained. */
async function readLabeled(
  { labeled, weak }: RunImages,
  { onProgress, ...options }: SelftrainOptions,
  signal: AbortSignal,
): Promise<LabeledImages> {
  const { validation = defaultValidation, seed = 0, limits } = options;
  const read = await readLabeledImages(labeled, validation, seed, {
    ...{ limits, signal },
    onProgress: (counts) => {
      onProgress?.({ step: weak ? 'weak' : 'teacher', phase: 'read', ...counts });
    },
  });
  const { out, classesPerImage, imagesPerShard, orient } = options;
  completeScorePoolOptions({ out, classesPerImage, imagesPerShard, orient }, read.classes.length);
  return read;
}

async function readTags(
  { labeled, options: { weak, limits, onProgress }, signal }: RunContext,
  images: Dataset,
): Promise<Pick<TrainingTask, 'source' | 'conditions'>> {
  const { table: path } = weak!;
  const table = await readTagTable(path, labeled.classes);
  const { photos } = await readPhotos(images, {
    ...{ limits, signal },
    onProgress: (counts) => {
      onProgress?.({ step: 'weak', phase: 'read', ...counts });
    },
  });
  return {
    source: taggedImages(images, table),
    conditions: { table: await sha256File(path, signal), tagged: hashImages(photos) },
  };
}

/** What identifies a model: a name, or the SHA-256 of a file. */
async function identityOf(model: string, signal: AbortSignal): Promise<Conditions[string]> {
  const path = isArchitectureName(model) ? undefined : fileOfModel(model);
  return path === undefined ? model : await sha256File(path, signal);
}
