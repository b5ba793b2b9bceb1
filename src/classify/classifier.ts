import { DisposedError, ModelError } from '../errors';
import type { ImageInput } from '../image';
import {
  classesOf,
  metadataFile,
  parseMetadata,
  type ImageClass,
  type ModelMetadata,
} from '../models';
import { checkOptionNames, checkSignal, invalidValue } from '../options';
import {
  Tensor,
  whenAborted,
  type ArchiveSource,
  type OpenDevice,
  type Plan,
  type ScriptModule,
} from '../torch';
import type { DetailedAnswer, Prediction } from './answer';
import { openModule } from './open-module';
import { ImagePipeline, type ImageOptions } from './pipeline';
import { PlannedModel } from './planned-model';
import {
  checkRunOptions,
  modelOptionNames,
  type OpenOptions,
  type RunOptions,
} from './run-options';

/** Options of `Classifier.classify`. */
export interface ClassifyOptions extends ImageOptions {
  /** How many classes an answer holds; 5 by default, or all where a model has fewer. */
  readonly topk?: number;
}

const imageOptionNames = ['orient', 'signal'] as const satisfies readonly (keyof ImageOptions)[];

/** An image classification model, ready to run. */
export class Classifier implements AsyncDisposable {
  /** The model's metadata: its name, architecture, licence, source and transform. */
  readonly metadata: ModelMetadata;
  /** The classes, in the order of the model's output. */
  readonly classes: readonly ImageClass[];
  readonly #model: PlannedModel;
  readonly #pipeline: ImagePipeline;
  /** Calls that have not settled. */
  readonly #pending = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  private constructor(model: PlannedModel, metadata: ModelMetadata) {
    this.metadata = metadata;
    this.classes = classesOf(metadata);
    this.#model = model;
    this.#pipeline = new ImagePipeline(model, this.classes);
  }

  /**
   * Opens a TorchScript file that `hub.exportTorchScript` wrote, or that Python saved again.
   *
   * @throws ModelError if the file is missing, is not TorchScript, or lacks the metadata of an export
   * @throws DeviceError if the device does not exist
   */
  static async open(source: ArchiveSource, options: OpenOptions = {}): Promise<Classifier> {
    checkOptionNames(options, [...modelOptionNames, 'signal'], 'Classifier.open');
    checkRunOptions(options);
    checkSignal(options.signal);
    const name = typeof source === 'string' ? source : 'the archive';
    const opening = openModule(source, options, (module, device) =>
      Classifier.of(module, name, options, device),
    );
    return await whenAborted(options.signal, opening, () => {
      // The model may still come, and nobody else would close it.
      opening.then(
        (model) => model.close(),
        () => undefined,
      );
    });
  }

  /**
   * Makes a classifier of a module, which it closes when it is closed itself.
   *
   * @param module on the CPU; one that runs without a plan is moved to the device
   * @param name of its archive, for messages
   * @throws ModelError if it lacks the metadata of an export, or has those of another model
   * @internal
   */
  static async of(
    module: ScriptModule,
    name: string,
    options: RunOptions,
    device: OpenDevice,
  ): Promise<Classifier> {
    const metadata = readMetadata(module, name);
    const model = await PlannedModel.open(module, metadata.transform, options, device);
    return new Classifier(model, metadata);
  }

  /** How its `forward` runs, and why. */
  get plan(): Plan {
    return this.#model.plan;
  }

  /** The TorchScript module that it runs. @internal */
  get module(): ScriptModule {
    return this.#model.module;
  }

  /**
   * The most probable classes of an image, best first; for an array of images an array of these.
   *
   * @throws ImageError if an image is missing, damaged or too large
   * @throws OptionError if an option is unknown or out of range
   * @throws DisposedError after `close()`
   */
  classify(image: ImageInput, options?: ClassifyOptions): Promise<Prediction[]>;
  classify(images: readonly ImageInput[], options?: ClassifyOptions): Promise<Prediction[][]>;
  async classify(
    images: ImageInput | readonly ImageInput[],
    options?: ClassifyOptions,
  ): Promise<Prediction[] | Prediction[][]> {
    const answers = await this.#answers(images, options);
    const predictions = answers.map((answer) => answer.predictions);
    return isMany(images) ? predictions : predictions[0]!;
  }

  /** Like `classify`, with the time that each step took. */
  classifyDetailed(image: ImageInput, options?: ClassifyOptions): Promise<DetailedAnswer>;
  classifyDetailed(
    images: readonly ImageInput[],
    options?: ClassifyOptions,
  ): Promise<DetailedAnswer[]>;
  async classifyDetailed(
    images: ImageInput | readonly ImageInput[],
    options?: ClassifyOptions,
  ): Promise<DetailedAnswer | DetailedAnswer[]> {
    const answers = await this.#answers(images, options);
    return isMany(images) ? answers : answers[0]!;
  }

  /**
   * The pooled features before the last layer, e.g. 2048 float32 of a ResNet-50; for an array of
   * images an array of these.
   *
   * @throws ImageError if an image is missing, damaged or too large
   * @throws OptionError if an option is unknown
   * @throws DisposedError after `close()`
   */
  embed(image: ImageInput, options?: ImageOptions): Promise<Float32Array>;
  embed(images: readonly ImageInput[], options?: ImageOptions): Promise<Float32Array[]>;
  async embed(
    images: ImageInput | readonly ImageInput[],
    options: ImageOptions = {},
  ): Promise<Float32Array | Float32Array[]> {
    checkOptionNames(options, imageOptionNames, 'embed');
    checkSignal(options.signal);
    const rows = await this.#whileOpen(async () => {
      await this.#model.prepare('features', options.signal);
      return await this.#pipeline.rows('features', toArray(images), options);
    });
    return isMany(images) ? rows : rows[0]!;
  }

  /**
   * The model's output for images, before softmax: float32 [n, classes].
   *
   * @throws ImageError if an image is missing, damaged or too large
   * @throws OptionError if an option is unknown
   * @throws DisposedError after `close()`
   */
  async logits(
    images: ImageInput | readonly ImageInput[],
    options: ImageOptions = {},
  ): Promise<Tensor<'float32'>> {
    checkOptionNames(options, imageOptionNames, 'logits');
    const rows = await this.#whileOpen(() =>
      this.#pipeline.rows('forward', toArray(images), options),
    );
    const columns = this.classes.length;
    const data = new Float32Array(rows.length * columns);
    for (const [i, row] of rows.entries()) data.set(row, i * columns);
    return Tensor.from(data, [rows.length, columns]);
  }

  /**
   * Runs the model on a tensor.
   *
   * @param input float32 [n, 3, h, w], RGB, normalised as `metadata.transform` says
   * @returns float32 [n, classes], before softmax, on the model's device
   * @throws ScriptError if the shape or the dtype does not fit
   */
  async forward(input: Tensor): Promise<Tensor<'float32'>> {
    return await this.#whileOpen(() => this.module.forward<Tensor<'float32'>>(input));
  }

  /** Refuses new calls, waits for those that have not settled, then frees the model. Idempotent. */
  async close(): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    // A call submits several jobs to the executor, which refuses them once it is closed.
    await Promise.allSettled(this.#pending);
    await this.module.close();
  }

  /** Runs a call, which `close` waits for. @throws DisposedError after `close()` */
  async #whileOpen<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) {
      throw new DisposedError('ERR_SEMISUP_DISPOSED', {
        what: 'The model was used after it was closed.',
        remedy: 'Keep it open for longer, or open it again.',
      });
    }
    const call = work();
    this.#pending.add(call);
    try {
      return await call;
    } finally {
      this.#pending.delete(call);
    }
  }

  async #answers(
    images: ImageInput | readonly ImageInput[],
    options: ClassifyOptions = {},
  ): Promise<DetailedAnswer[]> {
    checkOptionNames(options, ['topk', ...imageOptionNames], 'classify');
    const { topk = Math.min(5, this.classes.length) } = options;
    if (!Number.isInteger(topk) || topk < 1 || topk > this.classes.length) {
      throw invalidValue('topk', `a whole number from 1 to ${this.classes.length}`, topk);
    }
    return await this.#whileOpen(() => this.#pipeline.classify(toArray(images), topk, options));
  }
}

function readMetadata(module: ScriptModule, path: string): ModelMetadata {
  const text = module.metadata[metadataFile];
  if (text !== undefined) return parseMetadata(text, path);
  throw new ModelError('ERR_SEMISUP_MODEL_FORMAT', {
    what: `'${path}' is TorchScript, but has no metadata '${metadataFile}' that describe its classes and transform.`,
    remedy: 'Open it with ScriptModule.load(), or save it again in Python with its _extra_files.',
    value: path,
  });
}

function isMany(images: ImageInput | readonly ImageInput[]): images is readonly ImageInput[] {
  return Array.isArray(images);
}

function toArray(images: ImageInput | readonly ImageInput[]): readonly ImageInput[] {
  return isMany(images) ? images : [images];
}
