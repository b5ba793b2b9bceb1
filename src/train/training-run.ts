import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { AugmentPolicy } from '../augment';
import type { Conditions } from '../conditions';
import { LockError } from '../errors';
import { openExecutor, type ScriptModule, type TorchExecutor, type Trainer } from '../torch';
import { BatchLoader, disposeBatch, type Batch } from './batch-loader';
import { batchesOf, epochOrder } from './epoch-order';
import type { EpochResult } from './epoch-result';
import { EpochMeter } from './epoch-meter';
import { diverged, divergedAfter } from './errors';
import type { FinetuneOptions, TrainingSettings } from './finetune-options';
import { judge } from './judge';
import { restoreRun, saveRun, saveWeights } from './run-file';
import { countSteps, stepSettings, type StepCounts } from './step-settings';
import { trainerSettings } from './trainer-settings';
import type { TrainedMetadata, TrainingBase } from './training-base';
import { fingerprintOf, type TrainingData } from './training-data';
import { writeBest } from './write-best';

/** What is trained, on what, and where its state is kept. */
export interface RunContext {
  readonly directory: string;
  readonly data: TrainingData;
  readonly base: TrainingBase;
  /** Those of the model that is trained. */
  readonly metadata: TrainedMetadata;
  readonly policy: AugmentPolicy;
}

/** A training, which goes on where an earlier one in its directory ended. */
export class TrainingRun {
  /** The file with the weights of the best epoch. */
  readonly #bestFile: string;
  readonly #context: RunContext;
  readonly #settings: TrainingSettings;
  readonly #conditions: Conditions;
  readonly #module: ScriptModule;
  readonly #trainer: Trainer<ScriptModule>;
  /** What images are augmented on. */
  readonly #executor: TorchExecutor;
  readonly #loader: BatchLoader;
  readonly #counts: StepCounts;
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
    this.#bestFile = join(context.directory, 'best.safetensors');
    this.#context = context;
    this.#settings = settings;
    this.#conditions = conditions;
    this.#module = module;
    this.#trainer = trainer;
    this.#executor = executor;
    this.#loader = loader;
    this.#epochs = epochs;
    this.#counts = countSteps(context.data.training.indices.length, settings);
  }

  /**
   * Opens the module, and restores the state of an earlier run.
   *
   * @throws TrainingError if the module cannot be trained, or the directory has the state of another run
   */
  static async open(
    context: RunContext,
    settings: TrainingSettings,
    options: FinetuneOptions,
  ): Promise<TrainingRun> {
    const { base, metadata, data, policy } = context;
    const { transform } = metadata;
    const { threads, device = 'auto', signal } = options;
    const conditions = conditionsOf(context, settings);
    const executor = await openExecutor({ threads: 1 });
    let module: ScriptModule | undefined;
    try {
      module = await base.open(metadata, { threads, signal });
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

  /** Writes the best epoch as a TorchScript file. @throws ModelError if it cannot be written */
  async writeBest(path: string): Promise<void> {
    const copy = await this.#trainer.copy(false);
    await writeBest(path, copy, this.#bestFile, this.#context.metadata);
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
    const meter = new EpochMeter('train', this.#place(epoch), order.length, onProgress);
    let index = 0;
    let lr = 0;
    const startTime = performance.now();
    try {
      for (;;) {
        const waitTime = performance.now();
        const next = await batches.next();
        this.#waitingMs += performance.now() - waitTime;
        if (next.done) break;
        const batch = next.value;
        try {
          signal?.throwIfAborted();
          ({ lr } = await this.#step(batch, epoch, index++, meter));
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
    { images, targets, count }: Batch,
    epoch: number,
    index: number,
    meter: EpochMeter,
  ): Promise<{ lr: number }> {
    const step = { epoch, index, count, side: images.shape[2]! };
    const settings = stepSettings(this.#settings, this.#counts, step);
    const { loss, correct, gradientNorm } = await this.#trainer.step(images, targets, settings);
    const { lr } = settings;
    const place = `${index + 1} of epoch ${epoch + 1}`;
    if (!Number.isFinite(loss)) throw diverged('The loss', loss, place, lr);
    if (gradientNorm !== undefined && !Number.isFinite(gradientNorm)) {
      throw diverged('The norm of the gradients', gradientNorm, place, lr);
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
    const meter = new EpochMeter(
      'validate',
      this.#place(epoch),
      indices.length,
      options.onProgress,
    );
    const copy = await this.#trainer.copy(this.#settings.ema > 0);
    const { labels: classes, transform } = this.#context.metadata;
    const results = await judge(copy, set, indices, { ...options, classes, transform }, (done) => {
      meter.set(done);
    });
    const right = results.filter(({ labels, classes }) => labels[0] === classes[0]).length;
    const nll = results.reduce((sum, one) => sum + one.nll, 0) / results.length;
    if (!Number.isFinite(nll)) throw divergedAfter(epoch + 1);
    return { validation: { top1: right / results.length, nll } };
  }

  #place(epoch: number): { epoch: number; epochs: number } {
    return { epoch: epoch + 1, epochs: this.#settings.epochs };
  }

  /** The best weights first: if the process is killed before the state is written, the epoch is repeated. */
  async #save(result: EpochResult): Promise<void> {
    const epochs = [...this.#epochs, result];
    const best = this.#epochs.find(({ epoch }) => epoch === this.bestEpoch);
    if (!best || !isBetter(best, result)) {
      await saveWeights(this.#bestFile, this.#trainer, this.#settings.ema > 0);
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
  { data, base, metadata, policy }: RunContext,
  settings: TrainingSettings,
): Conditions {
  return {
    model: base.identity,
    ...settings,
    ...{ transform: metadata.transform, augment: policy, classes: metadata.labels },
    ...{ training: fingerprintOf(data.training), validation: fingerprintOf(data.validation) },
  };
}
