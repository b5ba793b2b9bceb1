import { DisposedError, ModelError } from '../errors';
import {
  decode,
  decodeUnlessJpeg,
  type EncodedFile,
  type GpuJpegs,
  type ImageInput,
} from '../image';
import {
  classesOf,
  metadataFile,
  parseMetadata,
  type ImageClass,
  type ModelMetadata,
} from '../models';
import { checkOptionNames, checkSignal, wrongValue } from '../options';
import {
  checkPrecision,
  openDevice,
  ScriptModule,
  Tensor,
  whenAborted,
  type ArchiveSource,
  type OpenDevice,
  type Pixels,
  type Plan,
  type ScriptModuleOptions,
} from '../torch';
import { Turnstile } from '../turnstile';
import { toPredictions, type DetailedAnswer, type Prediction, type Timings } from './answer';
import { Batcher } from './batcher';
import { toParts } from './parts';
import { instancesOn, makePlan, openJpegs } from './prepare';
import { checkRunOptions, type RunOptions } from './run-options';

/** Options of every call that takes images. */
export interface ImageOptions {
  /** Turns each image as its EXIF orientation says; `false` by default, as in torchvision. */
  readonly orient?: boolean;
  /** Rejects the call with the signal's reason; work that has begun is finished and dropped. */
  readonly signal?: AbortSignal;
}

/** Options of `Classifier.classify`. */
export interface ClassifyOptions extends ImageOptions {
  /** How many classes an answer holds; 5 by default, or all where a model has fewer. */
  readonly topk?: number;
}

/** How many images run together: on the CPU more take more memory and gain nothing. */
const batchSize = { cpu: 8, gpu: 64 };

/** For how long an image that is decoded waits for others that are being decoded, in milliseconds. */
const batchWait = 10;

/** An image on its way to an answer. */
interface Decoded {
  /** Its pixels, or a JPEG that the GPU decodes. */
  readonly image: Pixels | EncodedFile;
  /** How long it took to decode, in milliseconds. */
  readonly decode: number;
}

interface ToClassify extends Decoded {
  readonly topk: number;
}

/** Options of `Classifier.open`. */
export interface OpenOptions
  extends Pick<ScriptModuleOptions, 'device' | 'threads' | 'instances' | 'signal'>, RunOptions {}

const openOptionNames = [
  ...['device', 'threads', 'instances', 'signal'],
  ...['precision', 'tolerance', 'plan', 'calibration', 'decode'],
];

/** An image classification model, ready to run. */
export class Classifier implements AsyncDisposable {
  /** What is known of the model: its name, architecture, licence, source and transform. */
  readonly metadata: ModelMetadata;
  /** The classes, in the order of the model's output. */
  readonly classes: readonly ImageClass[];
  /** What it runs. @internal */
  readonly module: ScriptModule;
  /** How its forward runs, and why so. */
  readonly plan: Plan;
  readonly #device: OpenDevice;
  readonly #runOptions: RunOptions;
  readonly #batchSize: number;
  readonly #classified: Batcher<ToClassify, DetailedAnswer>;
  readonly #rows: Record<'forward' | 'features', Batcher<Decoded, Float32Array>>;
  /** Where the GPU decodes. */
  readonly #jpegs: GpuJpegs | undefined;
  /** Of the methods that have run; `forward` is the first. */
  readonly #plans: { readonly forward: Plan; features?: Plan };
  #planningFeatures: Promise<Plan> | undefined;
  /** What was called and is not answered yet. */
  readonly #underWay = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  private constructor(
    module: ScriptModule,
    metadata: ModelMetadata,
    plan: Plan,
    runOptions: RunOptions,
    device: OpenDevice,
    jpegs: GpuJpegs | undefined,
  ) {
    this.module = module;
    this.metadata = metadata;
    this.plan = plan;
    this.#plans = { forward: plan };
    this.#runOptions = runOptions;
    this.#device = device;
    this.#jpegs = jpegs;
    this.#batchSize = device.gpu ? batchSize.gpu : batchSize.cpu;
    this.classes = classesOf(metadata);
    const options = { most: this.#batchSize, atOnce: module.executor.instances, wait: batchWait };
    this.#classified = new Batcher(options, (images) => this.#classify(images));
    this.#rows = {
      forward: new Batcher(options, (images) => this.#rowsOf('forward', images)),
      features: new Batcher(options, (images) => this.#rowsOf('features', images)),
    };
  }

  /**
   * Opens a TorchScript file that `hub.exportTorchScript` wrote, or Python from it.
   *
   * @throws ModelError if the file is missing, no TorchScript, or without the metadata of an export
   * @throws DeviceError if the device is not there
   */
  static async open(source: ArchiveSource, options: OpenOptions = {}): Promise<Classifier> {
    checkOptionNames(options, openOptionNames, 'Classifier.open');
    checkRunOptions(options);
    const { precision, tolerance, plan, calibration, device, instances, ...others } = options;
    const { decode, ...rest } = others;
    const place = await openDevice(device);
    checkPrecision(precision ?? 'float32', place);
    const module = await ScriptModule.load(source, {
      ...rest,
      // A plan puts weights of its own where it runs.
      device: 'cpu',
      instances: instances ?? instancesOn(place),
    });
    const name = typeof source === 'string' ? source : 'the archive';
    try {
      const run = { precision, tolerance, plan, calibration, decode };
      const opening = Classifier.of(module, name, run, place);
      return await whenAborted(rest.signal, opening);
    } catch (error) {
      const closed = module.close();
      // A plan that is being made goes on until it is done.
      if (!rest.signal?.aborted) await closed;
      throw error;
    }
  }

  /**
   * A module as a classifier, which closes it.
   *
   * @param module on the CPU; one that runs without a plan is moved to the device
   * @param name of its archive, for messages
   * @throws ModelError if it has no metadata of an export, or those of another model
   * @internal
   */
  static async of(
    module: ScriptModule,
    name: string,
    options: RunOptions,
    device: OpenDevice,
  ): Promise<Classifier> {
    const metadata = readMetadata(module, name);
    const jpegs = await openJpegs(module.executor, options, device);
    const plan = await makePlan(module, 'forward', metadata.transform, options, device);
    return new Classifier(module, metadata, plan, options, device, jpegs);
  }

  /**
   * The likeliest classes of an image, best first; for an array of images an array of these.
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

  /** As `classify`, with the time that each step took; throws as `classify`. */
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
    checkOptionNames(options, ['orient', 'signal'], 'embed');
    checkSignal(options.signal);
    const rows = await this.#whileOpen(() => this.#embed(images, options));
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
    checkOptionNames(options, ['orient', 'signal'], 'logits');
    const rows = await this.#whileOpen(() =>
      this.#run(images, options, this.#rows.forward, (decoded) => decoded),
    );
    const columns = this.classes.length;
    const data = new Float32Array(rows.length * columns);
    for (const [i, row] of rows.entries()) data.set(row, i * columns);
    return Tensor.from(data, [rows.length, columns]);
  }

  /**
   * Runs the model on a tensor of one's own.
   *
   * @param input float32 [n, 3, h, w], RGB, normalised as `metadata.transform` says
   * @returns float32 [n, classes], before softmax, where the model runs
   * @throws ScriptError if the shape or the dtype does not fit
   */
  async forward(input: Tensor): Promise<Tensor<'float32'>> {
    return await this.#whileOpen(() => this.module.forward<Tensor<'float32'>>(input));
  }

  /** Refuses new work, lets that under way finish, then frees the model. Idempotent. */
  async close(): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    // A call goes to the executor several times, which takes nothing more once it is closed.
    await Promise.allSettled(this.#underWay);
    await this.module.close();
  }

  /** Does what a call asks for, unless closed; closing waits for it. */
  async #whileOpen<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) {
      throw new DisposedError('ERR_SEMISUP_DISPOSED', {
        what: 'The model was used after it was closed.',
        todo: 'Keep it for longer, or make it anew.',
      });
    }
    const call = work();
    this.#underWay.add(call);
    try {
      return await call;
    } finally {
      this.#underWay.delete(call);
    }
  }

  async #embed(
    images: ImageInput | readonly ImageInput[],
    options: ImageOptions,
  ): Promise<Float32Array[]> {
    const { transform } = this.metadata;
    this.#planningFeatures ??= makePlan(
      this.module,
      'features',
      transform,
      this.#runOptions,
      this.#device,
    );
    try {
      this.#plans.features = await whenAborted(options.signal, this.#planningFeatures);
    } catch (error) {
      // The next call tries again, unless it was this one alone that was aborted.
      if (!options.signal?.aborted) this.#planningFeatures = undefined;
      throw error;
    }
    return await this.#run(images, options, this.#rows.features, (decoded) => decoded);
  }

  async #answers(
    images: ImageInput | readonly ImageInput[],
    options: ClassifyOptions = {},
  ): Promise<DetailedAnswer[]> {
    checkOptionNames(options, ['topk', 'orient', 'signal'], 'classify');
    const { topk = Math.min(5, this.classes.length) } = options;
    if (!Number.isInteger(topk) || topk < 1 || topk > this.classes.length) {
      throw wrongValue('topk', `a whole number from 1 to ${this.classes.length}`, topk);
    }
    return await this.#whileOpen(() =>
      this.#run(images, options, this.#classified, (decoded) => ({ ...decoded, topk })),
    );
  }

  /** Image → transform → executor → answer, in the order of the images. */
  async #run<Input, Answer>(
    images: ImageInput | readonly ImageInput[],
    { orient, signal }: ImageOptions,
    batcher: Batcher<Input, Answer>,
    toInput: (decoded: Decoded) => Input,
  ): Promise<Answer[]> {
    checkSignal(signal);
    const all = isMany(images) ? images : [images];
    // One that fails stops the others of its call.
    const stop = new AbortController();
    const read = this.#jpegs ? decodeUnlessJpeg : decode;
    const prepare = async (one: ImageInput) => {
      const began = performance.now();
      const image = await read(one, { orient, signal: stop.signal });
      return toInput({ image, decode: performance.now() - began });
    };
    // No more than two batches of a call are in the queue, so that others get their turn.
    const turns = new Turnstile(2 * this.#batchSize);
    const answers = Promise.all(
      all.map((image) =>
        turns.pass(() => batcher.add(() => prepare(image), stop.signal), stop.signal),
      ),
    );
    try {
      return await whenAborted(signal, answers);
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  }

  async #classify(images: readonly ToClassify[]): Promise<DetailedAnswer[]> {
    const most = Math.max(...images.map(({ topk }) => topk));
    return await this.#runBatch('forward', images, async (logits, those, timings) => {
      const best = await this.module.executor.topk(logits, most);
      return toPredictions(best, most, this.classes).map((predictions, i) => ({
        predictions: predictions.slice(0, those[i]!.topk),
        timings: { decode: those[i]!.decode, ...timings },
      }));
    });
  }

  async #rowsOf(
    method: 'forward' | 'features',
    images: readonly Decoded[],
  ): Promise<Float32Array[]> {
    return await this.#runBatch(method, images, async (output) =>
      toRows(await output.data(), output.shape),
    );
  }

  /** Runs images, and has `take` make an answer for each of those that an output is of. */
  async #runBatch<Image extends Decoded, Answer>(
    method: 'forward' | 'features',
    images: readonly Image[],
    take: (
      output: Tensor<'float32'>,
      images: readonly Image[],
      timings: Omit<Timings, 'decode'>,
    ) => Promise<Answer[]>,
  ): Promise<Answer[]> {
    const began = performance.now();
    const isPlain = this.#plans[method]!.kind === 'plain';
    const parts = await toParts(
      images.map(({ image }) => image),
      {
        executor: this.module.executor,
        transform: this.metadata.transform,
        gpu: isPlain ? undefined : this.#device.gpu,
        jpegs: isPlain ? undefined : this.#jpegs,
      },
    );
    const transformed = performance.now();
    const answers = new Array<Answer>(images.length);
    try {
      for (const { input, places } of parts) {
        using output = await this.module.call<Tensor<'float32'>>(method, input);
        if (method === 'forward') this.#checkClasses(output);
        const those = places.map((place) => images[place]!);
        const timings = {
          transform: transformed - began,
          forward: performance.now() - transformed,
        };
        const given = await take(output, those, timings);
        for (const [i, place] of places.entries()) answers[place] = given[i]!;
      }
      return answers;
    } finally {
      for (const { input } of parts) input.dispose();
    }
  }

  /** A file's metadata may say what its module does not keep. */
  #checkClasses({ shape }: Tensor): void {
    if (shape.length === 2 && shape[1] === this.classes.length) return;
    throw new ModelError('ERR_SEMISUP_MODEL_FORMAT', {
      what: `The model ${this.metadata.name} gave logits of shape [${shape.join(', ')}], and its metadata tell of ${this.classes.length} classes.`,
      todo: 'Export it again with hub.exportTorchScript().',
      value: shape,
    });
  }
}

function readMetadata(module: ScriptModule, path: string): ModelMetadata {
  const text = module.metadata[metadataFile];
  if (text !== undefined) return parseMetadata(text, path);
  throw new ModelError('ERR_SEMISUP_MODEL_FORMAT', {
    what: `'${path}' is TorchScript, but holds no metadata '${metadataFile}' that tell of its classes and transform.`,
    todo: 'Open it with ScriptModule.load(), or in Python save it again with its _extra_files.',
    value: path,
  });
}

function isMany(images: ImageInput | readonly ImageInput[]): images is readonly ImageInput[] {
  return Array.isArray(images);
}

/** The rows of a matrix, each in memory of its own, so that one kept row does not keep them all. */
function toRows(data: Float32Array, shape: readonly number[]): Float32Array[] {
  const [rows = 0, columns = 0] = shape;
  return Array.from({ length: rows }, (_, row) => data.slice(row * columns, (row + 1) * columns));
}
