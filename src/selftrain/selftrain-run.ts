import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Classifier } from '../classify';
import type { Conditions } from '../conditions';
import type { Dataset } from '../dataset';
import { sha256File } from '../net/hash';
import {
  checkFinetuneOptions,
  evaluateModel,
  sourceOf,
  trainModel,
  writeTrainingReport,
  type FinetunedModel,
  type FinetuneOptions,
  type TrainingSource,
} from '../train';
import { readLabeledImages, type LabeledImages } from './labeled-images';
import { Manifest, type SelftrainStep, type StepName } from './manifest';
import { Pool } from './pool';
import { readPseudoLabels } from './read-pseudo-labels';
import { scorePool } from './score-pool';
import { selectImages } from './select-images';
import { selectedImages } from './selected-images';
import {
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
  /** The SHA-256 of what earlier steps wrote for it. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly labeled: LabeledImages;
}

/** One call of `selftrain`. */
export class SelftrainRun {
  readonly #labeled: Dataset;
  readonly #pool: readonly Dataset[];
  readonly #weak: Dataset | undefined;
  readonly #options: SelftrainOptions;
  readonly #directory: string;

  /** @param directory an absolute path */
  constructor(
    labeled: Dataset,
    pool: readonly Dataset[],
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
    const until = this.#options.until ?? 'finetune';
    for await (const done of this.#steps(manifest, signal)) {
      this.#options.onStep?.(done);
      if (done.step === until) break;
    }
    return manifest.steps;
  }

  async *#steps(manifest: Manifest, signal: AbortSignal): AsyncGenerator<SelftrainStep> {
    const { teacher = 'resnet50_swsl', student = 'resnet18', weak } = this.#options;
    const labeled = await this.#readLabeled(signal);
    const supervised = sourceOf(labeled.training);
    const train = async (task: Omit<TrainingTask, 'labeled'>) =>
      await this.#train(manifest, signal, { ...task, labeled });

    let base = teacher;
    let inputs: Record<string, string> = {};
    if (weak && this.#weak) {
      const file = this.#file('weak', 'weak.pt');
      const source = taggedImages(this.#weak, await readTagTable(weak.table, labeled.classes));
      const table = await sha256File(weak.table, signal);
      const done = await train({ step: 'weak', model: teacher, file, source, inputs: { table } });
      yield done;
      base = file;
      inputs = { model: outputOf(done, 'weak/weak.pt') };
    }
    const teacherFile = this.#file('teacher', 'teacher.pt');
    const taught = await train({
      ...{ step: 'teacher', model: base, file: teacherFile, source: supervised, inputs },
    });
    yield taught;

    const scored = await this.#score(manifest, signal, teacherFile, taught);
    yield scored;
    const selected = await this.#select(manifest, signal, labeled, scored);
    yield selected;

    const studentFile = this.#file('pretrain', 'student.pt');
    const images = await readPseudoLabels(join(this.#directory, 'select'), labeled.classes.length);
    const pretrained = await train({
      ...{ step: 'pretrain', model: student, file: studentFile },
      source: selectedImages(new Pool(this.#pool), images, labeled.classes),
      inputs: { selection: outputOf(selected, 'select/images.parquet') },
    });
    yield pretrained;

    yield await train({
      ...{ step: 'finetune', model: studentFile, file: resolve(this.#options.out) },
      source: supervised,
      inputs: { model: outputOf(pretrained, 'pretrain/student.pt') },
    });
  }

  async #readLabeled(signal: AbortSignal): Promise<LabeledImages> {
    const { validation = defaultValidation, seed = 0, limits } = this.#options;
    return await readLabeledImages(this.#labeled, validation, seed, {
      ...{ limits, signal },
      onProgress: ({ done, total, rate }) => {
        const step = this.#weak ? 'weak' : 'teacher';
        this.#report({ step, phase: 'read', done, total, rate });
      },
    });
  }

  async #train(
    manifest: Manifest,
    signal: AbortSignal,
    { step, model, file, source, inputs, labeled }: TrainingTask,
  ): Promise<SelftrainStep> {
    const { classes, validation, fingerprint } = labeled;
    const runDir = join(this.#directory, step);
    await mkdir(runDir, { recursive: true });
    const isTruth = step === 'teacher' || step === 'finetune';
    const options: FinetuneOptions = {
      ...trainingOptions(step, this.#options),
      ...{ model, out: file, runDir, signal },
      // Other labels are not worth judging by.
      validation: isTruth ? (validation ?? 0) : 0,
      onProgress: (progress) => {
        this.#report({ step, ...progress });
      },
    };
    const checked = await checkFinetuneOptions(options);
    const { size, crop, augment } = options;
    // The path of a file of the run would differ in another directory; its hash is among the inputs.
    const name = inputs.model === undefined ? model : undefined;
    return await manifest.complete({
      ...{ step, inputs },
      conditions: { model: name, ...checked.settings, size, crop, augment, labeled: fingerprint },
      run: async () => {
        const trained = await trainModel(source, checked, classes);
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
    taught: SelftrainStep,
  ): Promise<SelftrainStep> {
    const { classesPerImage, imagesPerShard, orient, device, threads } = this.#options;
    return await manifest.complete({
      step: 'score',
      conditions: { classesPerImage, imagesPerShard, orient },
      inputs: { model: outputOf(taught, 'teacher/teacher.pt') },
      // It compares the names of the images with those of the files that exist.
      isIncremental: true,
      run: async () => {
        // Tuning selects other algorithms in another process, whose scores would differ in their last digits.
        const model = await Classifier.open(teacher, { plan: 'untuned', device, threads });
        try {
          const { files, scored, unreadable } = await scorePool(model, this.#pool, {
            ...{
              out: join(this.#directory, 'score'),
              classesPerImage,
              imagesPerShard,
              orient,
              signal,
            },
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
    { classes }: LabeledImages,
    scored: SelftrainStep,
  ): Promise<SelftrainStep> {
    const { balanced = true } = this.#options;
    const share = (selectedShare * (scored.result.scored as number)) / classes.length;
    const { imagesPerClass = Math.max(1, Math.round(share)) } = this.#options;
    const out = join(this.#directory, 'select');
    return await manifest.complete({
      step: 'select',
      conditions: { imagesPerClass, balanced },
      inputs: scored.outputs,
      run: async () => {
        const selection = await selectImages(join(this.#directory, 'score'), {
          ...{ imagesPerClass, balanced, out, signal },
          onProgress: ({ done, total, rate }) => {
            this.#report({ step: 'select', phase: 'run', done, total, rate });
          },
        });
        await writeSelectionReport(join(out, 'selection.html'), selection, {
          ...{ pool: this.#pool, classes, labels: this.#options.poolLabels },
          ...{ orient: this.#options.orient, signal },
        });
        const counts = classes.map((_, index) => selection.count(index));
        return {
          files: [join(out, 'images.parquet'), join(out, 'selection.parquet')],
          result: {
            ...{ pairs: selection.size, images: selection.imageCount },
            imagesOfClass: { least: Math.min(...counts), most: Math.max(...counts) },
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

function resultOf({ epochs, bestEpoch, fingerprint, evaluation }: FinetunedModel): Conditions {
  const { loss } = epochs.at(-1)!;
  return {
    ...{ epochs: epochs.length, bestEpoch, loss, fingerprint },
    ...(evaluation && { validation: { top1: evaluation.top1, nll: evaluation.nll } }),
  };
}
