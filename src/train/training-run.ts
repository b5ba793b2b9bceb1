import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { completeAugment } from '../augment';
import type { Conditions } from '../conditions';
import { buildModule, type BuildOptions } from '../convert';
import { LockError, TrainingError } from '../errors';
import { openExecutor, type ScriptModule, type TorchExecutor, type Trainer } from '../torch';
import type { Transform } from '../types';
import { BatchLoader, disposeBatch } from './batch-loader';
import type { ModelRecipe } from './build-model';
import { batchesOf, epochOrder } from './epoch-order';
import type { EpochResult } from './epoch-result';
import { EpochMeter } from './epoch-meter';
import type { FinetuneOptions, TrainingSettings } from './finetune-options';
import { judge } from './judge';
import { sampleMix } from './mixing';
import { restoreRun, saveRun, saveWeights } from './run-file';
import { learningRateFactor, type UpdateCounts } from './schedule';
import { trainerSettings } from './trainer-settings';
import { fingerprintOf, type TrainingData } from './training-data';

/** What is trained, on what, and where its state is kept. */
export interface RunContext {
  readonly directory: string;
  readonly data: TrainingData;
  readonly recipe: ModelRecipe;
  /** Identifies the weights that the run starts from. */
  readonly identity: Conditions;
}

/** A training, which goes on where an earlier one in its directory ended. */
export class TrainingRun {
  /** The file with the weights of the best epoch. */
  readonly bestFile: string;
  readonly #context: RunContext;
  readonly #settings: TrainingSettings;
  readonly #conditions: Conditions;
  readonly #module: ScriptModule;
  readonly #trainer: Trainer<ScriptModule>;
  /** What images are augmented on. */
  readonly #executor: TorchExecutor;
  readonly #loader: BatchLoader;
  readonly #counts: UpdateCounts;
  readonly #stepsPerEpoch: number;
  #epochs: readonly EpochResult[];
  #waitingMs = 0;
  #trainingMs = 0;

  private constructor(
    context: RunContext,
    settings: TrainingSettings,
    conditions: Conditions,
    module: ScriptModule,
    trainer: Trainer<ScriptModule>,
    executor: TorchExecutor,
    loader: BatchLoader,
    epochs: readonly EpochResult[],
  ) {
    this.bestFile = join(context.directory, 'best.safetensors');
    this.#context = context;
    this.#settings = settings;
    this.#conditions = conditions;
    this.#module = module;
    this.#trainer = trainer;
    this.#executor = executor;
    this.#loader = loader;
    this.#epochs = epochs;
    const { batchSize, accumulate, epochs: count, warmupEpochs } = settings;
    this.#stepsPerEpoch = Math.ceil(context.data.training.indices.length / batchSize);
    const perEpoch = Math.ceil(this.#stepsPerEpoch / accumulate);
    const warmup = Math.round(warmupEpochs * perEpoch);
    this.#counts = { perEpoch, warmup, total: count * perEpoch };
  }

  /**
   * Builds the module, and restores the state of an earlier run.
   *
   * @param state the weights to start from
   * @throws TrainingError if the directory has the state of another run
   */
  static async open(
    context: RunContext,
    state: BuildOptions['state'],
    settings: TrainingSettings,
    options: FinetuneOptions,
  ): Promise<TrainingRun> {
    const { recipe, data } = context;
    const { transform } = recipe.card;
    const { threads, device = 'auto', signal } = options;
    const size = { size: transform.crop, resize: transform.resize };
    const policy = completeAugment(options.augment, size);
    const conditions = conditionsOf(context, settings, transform, policy);
    const executor = await openExecutor({ threads: 1 });
    let module: ScriptModule | undefined;
    try {
      ({ module } = await buildModule({ ...recipe, state, threads, signal }));
      await module.to({ device });
      const trainer = await module.trainer(await trainerSettings(module, settings));
      const loader = new BatchLoader(
        ...([data.training.set, executor, policy, transform, settings.seed] as const),
      );
      const epochs = await restoreRun(lastFile(context), trainer, conditions);
      return new TrainingRun(
        ...([context, settings, conditions, module, trainer, executor, loader, epochs] as const),
      );
    } catch (error) {
      await module?.close();
      await executor.close();
      throw error;
    }
  }

  /** The results of the epochs that are done. */
  get epochs(): readonly EpochResult[] {
    return this.#epochs;
  }

  /** The epoch with the highest accuracy, of equal ones that with the lowest NLL; without validation the last one. */
  get bestEpoch(): number {
    let best: EpochResult | undefined;
    for (const one of this.#epochs) if (!best || !isBetter(best, one)) best = one;
    return best?.epoch ?? 0;
  }

  /** The share of the time of the training that it waited for images. */
  get waiting(): number {
    return this.#trainingMs === 0 ? 0 : this.#waitingMs / this.#trainingMs;
  }

  /**
   * Trains the epochs that are left.
   *
   * @param options.signal of the lock on the directory, which follows that of the user
   * @returns false if it was aborted
   * @throws the signal's reason if it was aborted before any epoch was completed, or the lock was lost
   */
  async complete(options: FinetuneOptions & { readonly signal: AbortSignal }): Promise<boolean> {
    const { signal, onEpoch } = options;
    try {
      for (let epoch = this.#epochs.length; epoch < this.#settings.epochs; epoch++) {
        const trained = await this.#trainEpoch(epoch, options);
        const result = { epoch: epoch + 1, ...trained, ...(await this.#validate(epoch, options)) };
        await this.#save(result);
        onEpoch?.(result);
      }
      return true;
    } catch (error) {
      const isOver = signal.aborted && error === signal.reason && !(error instanceof LockError);
      if (isOver && this.#epochs.length > 0) return false;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#module.close();
    await this.#executor.close();
  }

  async #trainEpoch(
    epoch: number,
    { onProgress, signal }: FinetuneOptions,
  ): Promise<Pick<EpochResult, 'loss' | 'accuracy' | 'lr'>> {
    const { training } = this.#context.data;
    const { seed, isBalanced, batchSize } = this.#settings;
    const labels = training.indices.map((index) => training.set.images[index]!.label);
    const order = epochOrder(labels, { seed, epoch, isBalanced }).map((i) => training.indices[i]!);
    const batches = this.#loader.load(batchesOf(order, batchSize), epoch);
    const meter = new EpochMeter('train', epoch + 1, order.length, onProgress);
    let stepInEpoch = 0;
    let lr = 0;
    const startTime = performance.now();
    try {
      for (;;) {
        const waitTime = performance.now();
        const next = await batches.next();
        this.#waitingMs += performance.now() - waitTime;
        if (next.done) break;
        const batch = next.value;
        signal?.throwIfAborted();
        try {
          ({ lr } = await this.#step(batch, epoch, stepInEpoch++, meter));
        } finally {
          disposeBatch(batch);
        }
        // Lets the abort of a timer or of a signal handler take effect.
        await setImmediate();
      }
    } finally {
      await batches.return(undefined);
      this.#trainingMs += performance.now() - startTime;
    }
    return { loss: meter.loss, accuracy: meter.accuracy, lr };
  }

  async #step(
    { images, targets, count }: Parameters<typeof disposeBatch>[0],
    epoch: number,
    stepInEpoch: number,
    meter: EpochMeter,
  ): Promise<{ lr: number }> {
    const { seed, accumulate, schedule } = this.#settings;
    const step = epoch * this.#stepsPerEpoch + stepInEpoch;
    const update = epoch * this.#counts.perEpoch + Math.floor(stepInEpoch / accumulate);
    const lr = this.#settings.lr * learningRateFactor(schedule, update, this.#counts);
    const isLast = stepInEpoch === this.#stepsPerEpoch - 1;
    // The last batches of an epoch may be fewer.
    const group = Math.floor(stepInEpoch / accumulate) * accumulate;
    const accumulated = Math.min(accumulate, this.#stepsPerEpoch - group);
    const side = images.shape[2]!;
    const { loss, correct, gradientNorm } = await this.#trainer.step(images, targets, {
      ...{ lr, seed: step, lossScale: 1 / accumulated },
      updates: isLast || stepInEpoch % accumulate === accumulate - 1,
      mix: sampleMix(this.#settings, { seed, step, count, side }),
    });
    if (!Number.isFinite(loss)) throw diverged('The loss', loss, epoch, step, lr);
    if (gradientNorm !== undefined && !Number.isFinite(gradientNorm)) {
      throw diverged('The norm of the gradients', gradientNorm, epoch, step, lr);
    }
    meter.add(count, loss, correct);
    return { lr };
  }

  async #validate(
    epoch: number,
    options: FinetuneOptions,
  ): Promise<Pick<EpochResult, 'validation'>> {
    const { set, indices } = this.#context.data.validation;
    if (indices.length === 0) return {};
    const meter = new EpochMeter('validate', epoch + 1, indices.length, options.onProgress);
    const copy = await this.#trainer.copy(this.#settings.ema > 0);
    const results = await judge(copy, set, indices, options, (done) => {
      meter.set(done);
    });
    const right = results.filter(({ labels, classes }) => labels[0] === classes[0]).length;
    const nll = results.reduce((sum, one) => sum + one.nll, 0) / results.length;
    if (!Number.isFinite(nll)) throw notFinite(epoch);
    return { validation: { top1: right / results.length, nll } };
  }

  /** The best weights first: if the process is killed before the state is written, the epoch is repeated. */
  async #save(result: EpochResult): Promise<void> {
    const epochs = [...this.#epochs, result];
    const best = this.#epochs.find(({ epoch }) => epoch === this.bestEpoch);
    if (!best || !isBetter(best, result)) {
      const copy = await this.#trainer.copy(this.#settings.ema > 0);
      try {
        await saveWeights(this.bestFile, copy);
      } finally {
        await copy.close();
      }
    }
    await saveRun(lastFile(this.#context), this.#trainer, {
      conditions: this.#conditions,
      epochs,
    });
    this.#epochs = epochs;
  }
}

function lastFile({ directory }: RunContext): string {
  return join(directory, 'last.safetensors');
}

/** Whether `earlier` is better than a later epoch. */
function isBetter(earlier: EpochResult, later: EpochResult): boolean {
  const [a, b] = [earlier.validation, later.validation];
  if (!a || !b) return false;
  return a.top1 > b.top1 || (a.top1 === b.top1 && a.nll <= b.nll);
}

function conditionsOf(
  { data, recipe, identity }: RunContext,
  settings: TrainingSettings,
  transform: Transform,
  augment: object,
): Conditions {
  return {
    model: identity,
    ...settings,
    ...{ transform, augment, classes: recipe.labels },
    ...{ training: fingerprintOf(data.training), validation: fingerprintOf(data.validation) },
  };
}

function diverged(
  what: string,
  value: number,
  epoch: number,
  step: number,
  lr: number,
): TrainingError {
  return new TrainingError('ERR_SEMISUP_TRAINING_DIVERGED', {
    what: `${what} of step ${step + 1}, in epoch ${epoch + 1}, is ${value}: the training diverged at a learning rate of ${lr}.`,
    remedy: divergedRemedy,
    value: step + 1,
  });
}

function notFinite(epoch: number): TrainingError {
  return new TrainingError('ERR_SEMISUP_TRAINING_DIVERGED', {
    what: `The model has logits that are not finite after epoch ${epoch + 1}: the training diverged.`,
    remedy: divergedRemedy,
    value: epoch + 1,
  });
}

const divergedRemedy =
  'Lower lr, lengthen warmupEpochs, or set clipNorm, e.g. to 1. The state after the last complete epoch is kept in runDir.';
