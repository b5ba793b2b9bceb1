import { join, resolve } from 'node:path';
import { Classifier } from '../classify';
import type { Conditions } from '../conditions';
import type { Dataset } from '../dataset';
import { fileOfModel, readPhotos } from '../learning';
import { isArchitectureName } from '../models';
import { sha256File } from '../net/hash';
import {
  checkFinetuneOptions,
  completeFinetuneOptions,
  evaluateModel,
  sourceOf,
  trainModel,
  writeTrainingReport,
  type FinetunedModel,
  type FinetuneOptions,
  type TrainingSource,
} from '../train';
import { fingerprintOf, readLabeledImages, type LabeledImages } from './labeled-images';
import { Manifest, type SelftrainStep, type StepName } from './manifest';
import type { Pool } from './pool';
import { readPseudoLabels } from './read-pseudo-labels';
import { completeScorePoolOptions } from './score-options';
import { scorePool } from './score-pool';
import { selectImages } from './select-images';
import { selectedImages } from './selected-images';
import {
  modelsOf,
  trainingOptions,
  type SelftrainOptions,
  type SelftrainProgress,
  type TrainingStep,
} from './selftrain-options';
import { readTagTable, taggedImages } from './tags';
import { writeSelectionReport } from './write-selection-report';

/** Of the paper, K times the number of classes, divided by the size of the pool: 16,000 x 1000 of 100 million. */
const selectedShare = 0.16;

const defaultValidation = 0.1;

/** A training of the run. */
interface TrainingTask {
  readonly step: TrainingStep;
  /** What it starts from. */
  readonly model: string;
  /** What it writes. */
  readonly file: string;
  readonly source: TrainingSource;
  /** What identifies the model and the images, unless earlier steps wrote them. */
  readonly conditions: Conditions;
  /** The SHA-256 of what earlier steps wrote for it. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly labeled: LabeledImages;
}

/** One call of `selftrain`. */
export class SelftrainRun {
  readonly #labeled: Dataset;
  readonly #pool: Pool;
  readonly #weak: Dataset | undefined;
  readonly #options: SelftrainOptions;
  readonly #directory: string;

  /** @param directory an absolute path */
  constructor(
    labeled: Dataset,
    pool: Pool,
    weak: Dataset | undefined,
    options: SelftrainOptions,
    directory: string,
  ) {
    this.#labeled = labeled;
    this.#pool = pool;
    this.#weak = weak;
    this.#options = options;
    this.#directory = directory;
  }

  /** Does the steps that are not done, and returns all that are. @param signal of the lock on the directory */
  async complete(signal: AbortSignal): Promise<readonly SelftrainStep[]> {
    const manifest = await Manifest.open(this.#directory, signal);
    const { until = 'finetune', onStep } = this.#options;
    const steps: SelftrainStep[] = [];
    for await (const done of this.#steps(manifest, signal)) {
      steps.push(done);
      onStep?.(done);
      if (done.step === until) break;
    }
    return steps;
  }

  async *#steps(manifest: Manifest, signal: AbortSignal): AsyncGenerator<SelftrainStep> {
    const { teacher, student } = modelsOf(this.#options);
    const labeled = await this.#readLabeled(signal);
    const { classes } = labeled;
    const supervised = sourceOf(labeled.training);
    const train = async (task: Omit<TrainingTask, 'labeled'>) =>
      await this.#train(manifest, signal, { ...task, labeled });

    let base: Pick<TrainingTask, 'model' | 'conditions' | 'inputs'> = {
      ...{ model: teacher, conditions: { model: await identityOf(teacher, signal) }, inputs: {} },
    };
    if (this.#weak) {
      const { source, conditions } = await this.#readTags(this.#weak, classes, signal);
      const file = this.#file('weak', 'weak.pt');
      const done = await train({
        ...{ step: 'weak', model: teacher, file, source, inputs: {} },
        conditions: { ...base.conditions, ...conditions },
      });
      yield done;
      base = { model: file, conditions: {}, inputs: { model: outputOf(done, 'weak/weak.pt') } };
    }
    const teacherFile = this.#file('teacher', 'teacher.pt');
    const trainedTeacher = await train({
      ...{ step: 'teacher', ...base, file: teacherFile, source: supervised },
    });
    yield trainedTeacher;

    const scored = await this.#score(manifest, signal, teacherFile, {
      model: outputOf(trainedTeacher, 'teacher/teacher.pt'),
    });
    yield scored;
    const selected = await this.#select(manifest, signal, classes, scored);
    yield selected;

    const studentFile = this.#file('pretrain', 'student.pt');
    const images = await readPseudoLabels(join(this.#directory, 'select'), classes.length);
    const pretrained = await train({
      ...{ step: 'pretrain', model: student, file: studentFile },
      source: selectedImages(this.#pool, images, classes),
      conditions: { model: await identityOf(student, signal) },
      inputs: { selection: outputOf(selected, 'select/images.parquet') },
    });
    yield pretrained;

    yield await train({
      ...{ step: 'finetune', model: studentFile, file: resolve(this.#options.out) },
      ...{ source: supervised, conditions: {} },
      inputs: { model: outputOf(pretrained, 'pretrain/student.pt') },
    });
  }

  async #readLabeled(signal: AbortSignal): Promise<LabeledImages> {
    const { validation = defaultValidation, seed = 0, limits } = this.#options;
    const labeled = await readLabeledImages(this.#labeled, validation, seed, {
      ...{ limits, signal },
      onProgress: (counts) => {
        this.#report({ step: this.#weak ? 'weak' : 'teacher', phase: 'read', ...counts });
      },
    });
    const out = this.#file('score', '');
    const { classesPerImage, imagesPerShard, orient } = this.#options;
    const scoring = { out, classesPerImage, imagesPerShard, orient };
    completeScorePoolOptions(scoring, labeled.classes.length);
    return labeled;
  }

  async #readTags(
    images: Dataset,
    classes: readonly string[],
    signal: AbortSignal,
  ): Promise<Pick<TrainingTask, 'source' | 'conditions'>> {
    const { weak, limits } = this.#options;
    const { table: path } = weak!;
    const table = await readTagTable(path, classes);
    const { photos } = await readPhotos(images, {
      ...{ limits, signal },
      onProgress: (counts) => {
        this.#report({ step: 'weak', phase: 'read', ...counts });
      },
    });
    return {
      source: taggedImages(images, table),
      conditions: { table: await sha256File(path, signal), tagged: fingerprintOf(photos) },
    };
  }

  async #train(
    manifest: Manifest,
    signal: AbortSignal,
    { step, model, file, source, conditions, inputs, labeled }: TrainingTask,
  ): Promise<SelftrainStep> {
    const { classes, validation, fingerprints } = labeled;
    const runDir = join(this.#directory, step);
    const isTruth = step === 'teacher' || step === 'finetune';
    const options: FinetuneOptions = {
      ...trainingOptions(step, this.#options),
      ...{ model, out: file, runDir, signal },
      // The labels of the other steps are no truth to choose an epoch by: the last one is written.
      validation: isTruth ? (validation ?? 0) : 0,
      onProgress: (progress) => {
        this.#report({ step, ...progress });
      },
    };
    const { size, crop, augment } = options;
    const settings = completeFinetuneOptions(options);
    return await manifest.complete({
      ...{ step, inputs, files: [file] },
      conditions: { ...conditions, ...settings, size, crop, augment, labeled: fingerprints },
      run: async () => {
        const trained = await trainModel(source, await checkFinetuneOptions(options), {
          ...{ classes, needsAllClasses: isTruth, discardsUnfinished: true },
        });
        if (!trained.completed) signal.throwIfAborted();
        const evaluation =
          trained.evaluation ??
          (validation && (await evaluateModel(trained, validation, classes, options)));
        await writeTrainingReport(join(runDir, 'training.html'), { ...trained, evaluation });
        return { files: [file], result: resultOf({ ...trained, evaluation }) };
      },
    });
  }

  async #score(
    manifest: Manifest,
    signal: AbortSignal,
    teacher: string,
    inputs: Readonly<Record<string, string>>,
  ): Promise<SelftrainStep> {
    const { classesPerImage, imagesPerShard, orient = false, device, threads } = this.#options;
    const options = { classesPerImage, imagesPerShard, orient };
    return await manifest.complete({
      ...{ step: 'score', conditions: options, inputs },
      // It compares the names of the images with those of the files that exist.
      isIncremental: true,
      run: async () => {
        // Tuning selects other algorithms in another process, whose scores would differ in their last digits.
        const model = await Classifier.open(teacher, { plan: 'untuned', device, threads });
        try {
          const { files, scored, unreadable } = await scorePool(model, this.#pool.datasets, {
            ...{ ...options, out: join(this.#directory, 'score'), signal },
            onProgress: ({ done, total, rate }) => {
              this.#report({ step: 'score', phase: 'run', done, total, rate });
            },
          });
          return { files, result: { scored, unreadable: unreadable.length } };
        } finally {
          await model.close();
        }
      },
    });
  }

  async #select(
    manifest: Manifest,
    signal: AbortSignal,
    classes: readonly string[],
    scored: SelftrainStep,
  ): Promise<SelftrainStep> {
    const { balanced = true, imagesPerClass, poolLabels: labels, orient } = this.#options;
    const share = (selectedShare * (scored.result.scored as number)) / classes.length;
    const count = imagesPerClass ?? Math.max(1, Math.round(share));
    const out = join(this.#directory, 'select');
    return await manifest.complete({
      ...{ step: 'select', conditions: { imagesPerClass, balanced }, inputs: scored.outputs },
      // It takes a moment, and true labels may have come to be known, which the page shows.
      isIncremental: true,
      run: async () => {
        const selection = await selectImages(join(this.#directory, 'score'), {
          ...{ imagesPerClass: count, balanced, out, signal },
          onProgress: ({ done, total, rate }) => {
            this.#report({ step: 'select', phase: 'run', done, total, rate });
          },
        });
        await writeSelectionReport(join(out, 'selection.html'), selection, {
          ...{ pool: this.#pool.datasets, classes, labels, orient, signal },
        });
        return {
          files: [join(out, 'images.parquet'), join(out, 'selection.parquet')],
          result: {
            ...{ imagesPerClass: count, pairs: selection.size, images: selection.imageCount },
            emptyClasses: classes.filter((_, index) => selection.count(index) === 0),
          },
        };
      },
    });
  }

  #file(step: StepName, name: string): string {
    return join(this.#directory, step, name);
  }

  #report(progress: SelftrainProgress): void {
    this.#options.onProgress?.(progress);
  }
}

function outputOf({ outputs }: SelftrainStep, name: string): string {
  return outputs[name]!;
}

function resultOf({ epochs, bestEpoch, training, evaluation }: FinetunedModel): Conditions {
  const { loss } = epochs.at(-1)!;
  return {
    ...{ images: training, epochs: epochs.length, bestEpoch, loss },
    ...(evaluation && { validation: { top1: evaluation.top1, nll: evaluation.nll } }),
  };
}

/** What identifies a model: a name, or the SHA-256 of a file. */
async function identityOf(model: string, signal: AbortSignal): Promise<string> {
  const path = isArchitectureName(model) ? undefined : fileOfModel(model);
  return path === undefined ? model : await sha256File(path, signal);
}
