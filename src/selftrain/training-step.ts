import { join } from 'node:path';
import type { Conditions } from '../conditions';
import {
  checkFinetuneOptions,
  completeFinetuneOptions,
  evaluateModel,
  trainModel,
  writeTrainingReport,
  type FinetunedModel,
  type FinetuneOptions,
  type TrainingSource,
} from '../train';
import type { SelftrainStep } from './manifest';
import type { RunContext } from './run-context';
import { trainingOptions, type TrainingStep } from './selftrain-options';

/** A training of a run. */
export interface TrainingTask {
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
}

/** Trains a model, and judges it by the true labels of the images held out. */
export async function completeTraining(
  { directory, manifest, options: { onProgress, ...options }, labeled, signal }: RunContext,
  { step, model, file, source, conditions, inputs }: TrainingTask,
): Promise<SelftrainStep> {
  const { classes, validation, fingerprints } = labeled;
  const runDir = join(directory, step);
  const hasTruth = step === 'teacher' || step === 'finetune';
  const training: FinetuneOptions = {
    ...trainingOptions(step, options),
    ...{ model, out: file, runDir, signal },
    // The labels of the other steps are no truth to choose an epoch by: the last one is written.
    validation: hasTruth ? (validation ?? 0) : 0,
    onProgress: (progress) => {
      onProgress?.({ step, ...progress });
    },
  };
  const { size, crop, augment } = training;
  const settings = completeFinetuneOptions(training);
  return await manifest.complete({
    ...{ step, inputs, files: [file] },
    conditions: { ...conditions, ...settings, size, crop, augment, labeled: fingerprints },
    run: async () => {
      const trained = await trainModel(source, await checkFinetuneOptions(training), {
        ...{ classes, needsAllClasses: hasTruth, discardsUnfinished: true },
      });
      if (!trained.completed) signal.throwIfAborted();
      const evaluation =
        trained.evaluation ??
        (validation && (await evaluateModel(trained, validation, classes, training)));
      await writeTrainingReport(join(runDir, 'training.html'), { ...trained, evaluation });
      return { files: [file], result: resultOf({ ...trained, evaluation }) };
    },
  });
}

function resultOf({ epochs, bestEpoch, training, evaluation }: FinetunedModel): Conditions {
  const { loss } = epochs.at(-1)!;
  return {
    ...{ images: training, epochs: epochs.length, bestEpoch, loss },
    ...(evaluation && { validation: { top1: evaluation.top1, nll: evaluation.nll } }),
  };
}
