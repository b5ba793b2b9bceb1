import { EventEmitter } from 'node:events';
import { resolve } from 'node:path';
import {
  CompiledModule,
  formatCompiledMetadata,
  isCompiledModel,
  readCompiledMetadata,
} from '../compiled';
import { asyncDispose } from '../dispose';
import { emit } from '../emit';
import { DisposedError, ModelError } from '../errors';
import { checkTransform, completeViews, type ImageInput } from '../image';
import {
  classesOf,
  describeModel,
  featureInfo,
  formatMetadata,
  metadataFile,
  parseMetadata,
  type FeatureInfo,
  type ImageClass,
  type InputOptions,
  type ModelDescription,
  type ModelMetadata,
} from '../models';
import { checkOptionNames, checkPath, checkSignal, invalidValue } from '../options';
import { versions } from '../versions';
import {
  CallQueue,
  Tensor,
  checkCloseOptions,
  closeOrAbandon,
  completeQueueLimits,
  closeWithin,
  rejectOnAbort,
  type CloseOptions,
  type ExecutorOptions,
  type QueueLimits,
} from '../native';
import {
  toArchive,
  type Archive,
  type ArchiveSource,
  type DeviceHandle,
  type Plan,
  type PlanChoices,
  type ScriptModule,
} from '../torch';
import type { DetailedResult, Prediction } from './prediction';
import { BackgroundTuning } from './background-tuning';
import type { CallableModule } from './callable-module';
import { checkOutput } from './check-output';
import { checkExplains, completeExplainOptions, type ExplainOptions } from './explain-options';
import type { FeatureMap } from './feature-map';
import { checkHasFeatures, indicesOfLayers, type FeaturesOptions } from './features-options';
import type { HeatMap } from './heat-map';
import { isArray, sizeOfImages } from './image-list';
import { normalize } from './normalize';
import { completeIsolation, type CompleteLimits } from '../isolate';
import { checkCompiledOptions } from './compiled-options';
import { completeCompileOptions, type CompileOptions } from './compile-options';
import { archiveLoader, openModule, unlimitedQueue, type ModuleLoader } from './open-module';
import { isImageFailure, type ImageFailure } from './image-failure';
import { ImagePipeline, type ImageOptions, type ImagesOptions } from './pipeline';
import { PlannedModel } from './planned-model';
import {
  checkClassifierOpenOptions,
  type ClassifierOpenOptions,
  type InferenceOptions,
} from './model-options';
import { completeTemperature } from './temperature';
import type { ViewOptions } from './views';

/** Options of `Classifier.classify`. */
export interface ClassifyOptions extends ImagesOptions, ViewOptions {
  /** The number of classes to return; 5 by default, or all if the model has fewer. */
  readonly topk?: number;
  /**
   * Divides the logits before softmax; 1 by default. Above 1 it lowers the scores of an overconfident model, below 1 it
   * raises them; the order of the classes stays (Guo et al., "On Calibration of Modern Neural Networks", 2017).
   */
  readonly temperature?: number;
}

/** Options of `Classifier.embed`. */
export interface EmbedOptions extends ImagesOptions, ViewOptions {
  /**
   * Divides each embedding by its L2 norm, so that the dot product of two is their cosine similarity; `false` by
   * default.
   */
  readonly normalize?: boolean;
}

const imageOptionNames: readonly (keyof ImageOptions)[] = ['orient', 'signal'];
const imagesOptionNames: readonly (keyof ImagesOptions)[] = [...imageOptionNames, 'onError'];

/** Options with which the error of an image is returned in place of its result. */
export interface ReturnErrors {
  readonly onError: 'return';
}

/** The events of a classifier. */
export interface ClassifierEvents {
  /** Another plan, which a tuning in the background has selected, runs the calls from now on. */
  plan: [Plan];
}

/** A model, and what runs it on images. */
interface RunningModel {
  readonly model: PlannedModel;
  readonly pipeline: ImagePipeline;
}

/** An image classification model. */
export class Classifier extends EventEmitter<ClassifierEvents> implements AsyncDisposable {
  /** The model's metadata: its name, architecture, license, source and transform. */
  readonly metadata: ModelMetadata;
  /** The classes, in the order of the model's output. */
  readonly classes: readonly ImageClass[];
  /** The layers whose outputs `features` returns, by default all in this order; empty if the model has no pyramid. */
  readonly featureInfo: readonly FeatureInfo[];
  #running: RunningModel;
  readonly #queue: CallQueue;
  /** The calls that `close` waits for. */
  readonly #pending = new Set<Promise<unknown>>();
  #tuning: BackgroundTuning<Classifier> | undefined;
  /** The model that the tuning replaced, until it is freed. */
  #replaced: { readonly module: CallableModule; readonly freed: Promise<void> } | undefined;
  #closed: Promise<void> | undefined;

  private constructor(model: PlannedModel, metadata: ModelMetadata, queue: Required<QueueLimits>) {
    super();
    this.metadata = metadata;
    this.classes = classesOf(metadata);
    this.featureInfo = featureInfo(metadata);
    this.#running = { model, pipeline: new ImagePipeline(model, metadata) };
    this.#queue = new CallQueue(queue);
  }

  /**
   * Opens a TorchScript file as a classifier: one that was written by `hub.exportTorchScript`, or one of
   * your own, whose `classes` and `transform` are options or in its metadata (docs/own-models.md). Also opens a
   * compiled model, which `compile` wrote, without LibTorch (docs/compiled-models.md).
   *
   * @throws ModelError if the file is missing, is neither TorchScript nor a compiled model for this processor, or is
   *   refused by `verify`, if neither the options nor its metadata state its classes, or if it does not return one
   *   logit per class
   * @throws OptionError if an option is unknown or has an invalid value
   * @throws DeviceError if the device is not available
   */
  static async open(
    source: ArchiveSource,
    options: ClassifierOpenOptions = {},
  ): Promise<Classifier> {
    checkClassifierOpenOptions(options);
    const name = typeof source === 'string' ? source : 'the archive';
    const limits = completeIsolation(options.isolate);
    const archive = await toArchive(source, options.signal);
    if (await isCompiledModel(archive.content)) {
      return await Classifier.openCompiled(archive, options);
    }
    const { content } = archive;
    if (limits) return await Classifier.openIsolated(content, name, limits, options);
    return await Classifier.load(archiveLoader(content, options.verify), name, options);
  }

  /**
   * Opens a compiled model. Only the options that it does not support are checked. On failure or abort, rejects
   * after the memory of the model is freed.
   *
   * @throws as `open`
   * @internal
   */
  static async openCompiled(archive: Archive, options: ClassifierOpenOptions): Promise<Classifier> {
    const { threads, instances, callTimeout, signal } = options;
    const queue = completeQueueLimits(options.queue);
    const module = await CompiledModule.open(archive, {
      ...{ threads, instances, callTimeout, signal },
      queue: unlimitedQueue,
    });
    try {
      const metadata = readMetadata(module, archive.name, options);
      checkTransform(metadata.transform);
      const model = PlannedModel.openCompiled(module, metadata.transform, options);
      checkCompiledOptions(options, model.plan);
      if (metadata.architecture === null) await checkOutput(module, metadata);
      signal?.throwIfAborted();
      return new Classifier(model, metadata, queue);
    } catch (error) {
      await module.close();
      throw error;
    }
  }

  /**
   * Opens a TorchScript file as a classifier in a child process. The options are not checked. On failure or abort,
   * rejects after the process has ended.
   *
   * @param name its path or another name, for messages
   * @throws as `open`
   * @internal
   */
  static async openIsolated(
    source: ArchiveSource,
    name: string,
    limits: CompleteLimits,
    options: ClassifierOpenOptions,
  ): Promise<Classifier> {
    const { signal } = options;
    signal?.throwIfAborted();
    // Loaded on first use, with node:child_process.
    const { IsolatedModule } = require('./isolated-module') as typeof import('./isolated-module');
    const module = await IsolatedModule.open(source, limits, options, signal);
    const open = async () => {
      const metadata = readMetadata(module, name, options);
      checkTransform(metadata.transform);
      if (metadata.architecture === null) await checkOutput(module, metadata);
      const model = await PlannedModel.openIsolated(module, metadata.transform, options);
      return new Classifier(model, metadata, completeQueueLimits(options.queue));
    };
    try {
      return await rejectOnAbort(signal, open());
    } catch (error) {
      await module.kill(error as Error);
      throw error;
    }
  }

  /**
   * Opens the module that `load` returns as a classifier. The options are not checked.
   *
   * @param name its path or another name, for messages
   * @throws as `open`
   * @internal
   */
  static async load(
    load: ModuleLoader,
    name: string,
    options: ClassifierOpenOptions,
  ): Promise<Classifier> {
    const opening = openModule(load, options, (module, device) =>
      Classifier.of(module, name, options, device),
    );
    return await rejectOnAbort(options.signal, opening, () => {
      // The model may still be loading, and nothing else would close it.
      opening.then(
        (model) => model.close(),
        () => undefined,
      );
    });
  }

  /**
   * Creates a classifier, which owns the module.
   *
   * @param module a module on the CPU; moved to the device if it runs without a plan
   * @param name its path or another name, for messages
   * @throws ModelError if the module has no export metadata, or metadata that cannot be used
   * @internal
   */
  static async of(
    module: ScriptModule,
    name: string,
    options: InferenceOptions & ModelDescription & Pick<ExecutorOptions, 'queue'>,
    device: DeviceHandle,
  ): Promise<Classifier> {
    const queue = completeQueueLimits(options.queue);
    const metadata = readMetadata(module, name, options);
    checkTransform(metadata.transform);
    if (metadata.architecture === null) await checkOutput(module, metadata);
    const model = await PlannedModel.open(module, metadata.transform, options, device);
    return new Classifier(model, metadata, queue);
  }

  /** How `forward` runs on this device: algorithms, precision and measured times. */
  get plan(): Plan {
    const { plan } = this.#running.model;
    return this.isTuning
      ? { ...plan, reason: 'Its algorithms are being tuned in the background.' }
      : plan;
  }

  /**
   * Waits until no tuning runs in the background any more, if `hub.load` has started one. Calls before then run
   * without tuned algorithms, and do not wait for it.
   *
   * @returns the plan that runs the calls from then on
   */
  async whenTuned(): Promise<Plan> {
    await this.#tuning?.ended;
    return this.plan;
  }

  /** Whether a tuning runs in the background. @internal */
  get isTuning(): boolean {
    return this.#tuning?.isRunning ?? false;
  }

  /** @internal */
  get module(): CallableModule {
    return this.#running.model.module;
  }

  /**
   * Replaces the model by that of the tuned classifier that `open` returns. `close` aborts it. A failure is a warning,
   * and the present model stays.
   *
   * @internal
   */
  tuneInBackground(open: (signal: AbortSignal) => Promise<Classifier>): void {
    this.#tuning = new BackgroundTuning(this.metadata.name, open, (tuned) => {
      this.#takeModelOf(tuned);
    });
  }

  /**
   * Returns the most probable classes of an image, best first; for an array of images, one such list
   * per image.
   *
   * @throws ImageError if an image is missing, corrupt or too large
   * @throws OptionError if an option is unknown or has an invalid value
   * @throws DisposedError after `close()`
   */
  classify(image: ImageInput, options?: ClassifyOptions): Promise<Prediction[]>;
  classify(
    images: readonly ImageInput[],
    options: ClassifyOptions & ReturnErrors,
  ): Promise<(Prediction[] | ImageFailure)[]>;
  classify(images: readonly ImageInput[], options?: ClassifyOptions): Promise<Prediction[][]>;
  async classify(
    images: ImageInput | readonly ImageInput[],
    options?: ClassifyOptions,
  ): Promise<Prediction[] | ImageFailure | (Prediction[] | ImageFailure)[]> {
    const results = await this.#classifyImages('classify', images, options);
    const predictions = results.map((result) =>
      isImageFailure(result) ? result : result.predictions,
    );
    return isArray(images) ? predictions : predictions[0]!;
  }

  /** Like `classify`, but also returns the duration of each step. */
  classifyDetailed(image: ImageInput, options?: ClassifyOptions): Promise<DetailedResult>;
  classifyDetailed(
    images: readonly ImageInput[],
    options: ClassifyOptions & ReturnErrors,
  ): Promise<(DetailedResult | ImageFailure)[]>;
  classifyDetailed(
    images: readonly ImageInput[],
    options?: ClassifyOptions,
  ): Promise<DetailedResult[]>;
  async classifyDetailed(
    images: ImageInput | readonly ImageInput[],
    options?: ClassifyOptions,
  ): Promise<DetailedResult | ImageFailure | (DetailedResult | ImageFailure)[]> {
    const results = await this.#classifyImages('classifyDetailed', images, options);
    return isArray(images) ? results : results[0]!;
  }

  /**
   * Returns the embedding of an image: the output of the model's `features` method, i.e. of the global
   * average pooling before the last layer, e.g. 2048 floats for a ResNet-50. For an array of images,
   * returns one embedding per image. With several `views` it is their mean. With `normalize`, each has the L2 norm 1.
   *
   * @throws ImageError if an image is missing, corrupt or too large
   * @throws OptionError if an option is unknown or has an invalid value
   * @throws DisposedError after `close()`
   */
  embed(image: ImageInput, options?: EmbedOptions): Promise<Float32Array>;
  embed(
    images: readonly ImageInput[],
    options: EmbedOptions & ReturnErrors,
  ): Promise<(Float32Array | ImageFailure)[]>;
  embed(images: readonly ImageInput[], options?: EmbedOptions): Promise<Float32Array[]>;
  async embed(
    images: ImageInput | readonly ImageInput[],
    options: EmbedOptions = {},
  ): Promise<Float32Array | ImageFailure | (Float32Array | ImageFailure)[]> {
    checkOptionNames(options, ['normalize', 'views', ...imagesOptionNames], 'embed');
    checkOnError(images, options);
    checkSignal(options.signal);
    const views = completeViews(options.views);
    const { normalize: isNormalized = false } = options;
    if (typeof isNormalized !== 'boolean') {
      throw invalidValue('normalize', 'true or false', isNormalized);
    }
    const rows = await this.#runCall(sizeOfImages(images), async ({ model, pipeline }) => {
      await model.prepare('features', options.signal);
      return await pipeline.rows('features', images, views, options);
    });
    if (isNormalized) for (const row of rows) if (!isImageFailure(row)) normalize(row);
    return isArray(images) ? rows : rows[0]!;
  }

  /**
   * Returns the feature maps of an image at several layers: a feature pyramid, as the models that timm creates with
   * `features_only` return it. For an array of images, returns one such list per image. They are computed by one
   * forward pass, which ends after the last of the layers.
   *
   * The maps are float32, [channels, height, width], in the order of `layers`; their sizes are those of
   * {@link Classifier.featureInfo}. In bfloat16 and int8 they have the accuracy of that precision.
   *
   * @throws ImageError if an image is missing, corrupt or too large
   * @throws OptionError if an option is unknown, or a layer is not in `featureInfo`
   * @throws ModelError (`ERR_SEMISUP_MODEL_KIND`) if the model has no method `pyramid`
   * @throws DisposedError after `close()`
   */
  features(image: ImageInput, options?: FeaturesOptions): Promise<FeatureMap[]>;
  features(
    images: readonly ImageInput[],
    options: FeaturesOptions & ReturnErrors,
  ): Promise<(FeatureMap[] | ImageFailure)[]>;
  features(images: readonly ImageInput[], options?: FeaturesOptions): Promise<FeatureMap[][]>;
  async features(
    images: ImageInput | readonly ImageInput[],
    options: FeaturesOptions = {},
  ): Promise<FeatureMap[] | ImageFailure | (FeatureMap[] | ImageFailure)[]> {
    checkOptionNames(options, ['layers', ...imagesOptionNames], 'features');
    checkOnError(images, options);
    checkSignal(options.signal);
    const maps = await this.#runCall(sizeOfImages(images), async ({ model, pipeline }) => {
      checkHasFeatures(model.module, this.featureInfo, this.metadata);
      const layers = indicesOfLayers(options.layers, this.featureInfo);
      await model.prepare('pyramid', options.signal);
      return await pipeline.features(images, layers, options);
    });
    return isArray(images) ? maps : maps[0]!;
  }

  /**
   * Returns which parts of an image raise the logit of a class, as a heat map with its place in the image; for an
   * array of images, returns one heat map per image. `renderOverlay` draws it.
   *
   * After the last stage, whose features are averaged over all positions and then weighted per class, this is the class
   * activation map (CAM, Zhou et al. 2016, arXiv 1512.04150): those features at each position, weighted as the last
   * layer weights their mean. It takes one forward pass, on the plan and in compiled models too. At an earlier
   * `layer` it is Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391): the layer's output, weighted per channel by the
   * mean over positions of the gradient of the logit. For the last stage both are the same. Gradients take a forward
   * pass and a part of a backward pass of TorchScript in float32, on the CPU also for a model with a plan on a GPU.
   * The data are after ReLU, and relative to the largest value: see {@link HeatMap}.
   *
   * @throws ImageError if an image is missing, corrupt or too large
   * @throws OptionError if an option is unknown, or the class or the layer does not exist
   * @throws ModelError (`ERR_SEMISUP_MODEL_KIND`) if the model has no method `class_maps`, or `layer` is an earlier one
   *   and the model is compiled, or will be when its tuning ends
   * @throws DisposedError after `close()`
   */
  explain(image: ImageInput, options?: ExplainOptions): Promise<HeatMap>;
  explain(
    images: readonly ImageInput[],
    options: ExplainOptions & ReturnErrors,
  ): Promise<(HeatMap | ImageFailure)[]>;
  explain(images: readonly ImageInput[], options?: ExplainOptions): Promise<HeatMap[]>;
  async explain(
    images: ImageInput | readonly ImageInput[],
    options: ExplainOptions = {},
  ): Promise<HeatMap | ImageFailure | (HeatMap | ImageFailure)[]> {
    checkOptionNames(options, ['class', 'layer', ...imagesOptionNames], 'explain');
    checkOnError(images, options);
    checkSignal(options.signal);
    const request = completeExplainOptions(options, this.classes, this.metadata);
    const maps = await this.#runCall(sizeOfImages(images), async ({ model, pipeline }) => {
      checkExplains(model.module, request, this.metadata, this.#tuning !== undefined);
      if (request.layer === undefined) await model.prepare('class_maps', options.signal);
      return await pipeline.explain(images, request, options);
    });
    return isArray(images) ? maps : maps[0]!;
  }

  /**
   * Returns the logits of each image, i.e. the model's output before softmax, float32 [n, classes]. With several `views`
   * they are their mean.
   *
   * @throws ImageError if an image is missing, corrupt or too large
   * @throws OptionError if an option is unknown or has an invalid value
   * @throws DisposedError after `close()`
   */
  async logits(
    images: ImageInput | readonly ImageInput[],
    options: ImageOptions & ViewOptions = {},
  ): Promise<Tensor<'float32'>> {
    checkOptionNames(options, ['views', ...imageOptionNames], 'logits');
    const views = completeViews(options.views);
    const rows = await this.#runCall(sizeOfImages(images), ({ pipeline }) =>
      pipeline.rows('forward', images, views, options),
    );
    const columns = this.classes.length;
    const data = new Float32Array(rows.length * columns);
    // An error was thrown: `logits` has no option `onError`.
    for (const [i, row] of rows.entries()) data.set(row as Float32Array, i * columns);
    return Tensor.from(data, [rows.length, columns]);
  }

  /**
   * Like `logits`, but returns a row for each image, or the error of the image. @internal
   */
  async logitRows(
    images: readonly ImageInput[],
    { views = 'center', ...options }: ImageOptions & ViewOptions = {},
  ): Promise<(Float32Array | ImageFailure)[]> {
    return await this.#runCall(sizeOfImages(images), ({ pipeline }) =>
      pipeline.rows('forward', images, views, { ...options, onError: 'return' }),
    );
  }

  /**
   * Runs the model on a tensor.
   *
   * @param input float32 [n, 3, h, w], RGB, normalized according to `metadata.transform`
   * @returns float32 [n, classes], before softmax, on the model's device
   * @throws ScriptError if the shape or the dtype is not supported
   */
  async forward(input: Tensor): Promise<Tensor<'float32'>> {
    return await this.#runCall(0, ({ model }) =>
      model.module.invoke<Tensor<'float32'>>('forward', [input]),
    );
  }

  /**
   * Writes the model as a compiled model: one file with its steps, its packed weights, its classes and its transform,
   * which `Classifier.open` opens without LibTorch (docs/compiled-models.md). Its algorithms are the
   * fastest measured on this machine, about two seconds; its output was compared with TorchScript's. Runs as one
   * of the model's calls: others wait for it. A compiled model, such as `hub.load` returns by default, copies its file.
   *
   * The file is for the instruction set in use (`plan.instructionSet`): `semisup compile --cpu` writes one for several.
   *
   * @returns the absolute path of the file
   * @throws ModelError if the model cannot be compiled, or the file cannot be written
   * @throws OptionError if an option is unknown or has an invalid value
   * @throws DisposedError after `close()`
   */
  async compile(path: string, options: CompileOptions = {}): Promise<string> {
    checkPath('path', path);
    const { precision, merge } = completeCompileOptions(options, this.plan);
    await this.whenTuned();
    const target = resolve(path);
    const { choices } = this.plan.precision === precision ? this.plan : {};
    const merged = await Promise.all(merge.map(readCompiledMetadata));
    const mergedPlans = merged.flatMap(({ plans }) => plans);
    await this.#runCall(0, ({ model }) =>
      model.compile(target, {
        ...{ precision, name: this.metadata.name, files: merge },
        choices: isKernelsOnly(choices) ? choices : undefined,
        describe: (plans) =>
          formatCompiledMetadata({
            semisup: versions.semisup,
            plans: [...plans, ...mergedPlans],
            extraFiles: { [metadataFile]: formatMetadata(this.metadata) },
          }),
      }),
    );
    return target;
  }

  /**
   * Refuses new calls, waits for pending ones, then frees the model. Idempotent.
   *
   * @throws ScriptError `ERR_SEMISUP_TIMEOUT` if calls are still running after `timeout`
   */
  async close(options: CloseOptions = {}): Promise<void> {
    checkCloseOptions(options);
    this.#closed ??= this.#close();
    await closeWithin(this.#closed, options, async () => {
      const modules = [this.module, ...(this.#replaced ? [this.#replaced.module] : [])];
      await Promise.all(modules.map((module) => closeOrAbandon(module, 0)));
    });
  }

  /** Same as `close()`. */
  async [asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Makes the model of another classifier run all calls from now on. */
  #takeModelOf(tuned: Classifier): void {
    const { module } = this.#running.model;
    this.#running = tuned.#running;
    // Some of the pending calls run on it.
    const freed = Promise.allSettled(this.#pending).then(async () => {
      await module.close();
      this.#replaced = undefined;
    });
    freed.catch(() => undefined);
    this.#replaced = { module, freed };
    emit(this, 'plan', this.plan);
  }

  async #close(): Promise<void> {
    await this.#tuning?.stop();
    await this.#replaced?.freed;
    // A call submits several jobs, which a closed executor would refuse: wait for the calls first.
    await Promise.allSettled(this.#pending);
    await this.module.close();
  }

  /**
   * Runs a call that `close` waits for.
   *
   * @param bytes the size of its inputs
   * @throws DisposedError after `close()`
   * @throws BusyError if too many calls are pending
   */
  async #runCall<T>(bytes: number, work: (running: RunningModel) => Promise<T>): Promise<T> {
    if (this.#closed) {
      throw new DisposedError('ERR_SEMISUP_DISPOSED', {
        what: 'The classifier was used after close().',
        remedy: 'Call close() only after the last use, or open a new classifier.',
      });
    }
    const call = this.#queue.run(bytes, () => work(this.#running));
    this.#pending.add(call);
    try {
      return await call;
    } finally {
      this.#pending.delete(call);
    }
  }

  async #classifyImages(
    caller: 'classify' | 'classifyDetailed',
    images: ImageInput | readonly ImageInput[],
    options: ClassifyOptions = {},
  ): Promise<(DetailedResult | ImageFailure)[]> {
    checkOptionNames(options, ['topk', 'temperature', 'views', ...imagesOptionNames], caller);
    checkOnError(images, options);
    const { topk = Math.min(5, this.classes.length) } = options;
    if (!Number.isInteger(topk) || topk < 1 || topk > this.classes.length) {
      throw invalidValue('topk', `an integer from 1 to ${this.classes.length}`, topk);
    }
    const request = {
      k: topk,
      views: completeViews(options.views),
      temperature: completeTemperature(options.temperature),
    };
    return await this.#runCall(sizeOfImages(images), ({ pipeline }) =>
      pipeline.classify(images, request, options),
    );
  }
}

/** Whether LibTorch computes no convolution of a plan. */
function isKernelsOnly(choices: PlanChoices | undefined): choices is PlanChoices {
  const { latency, throughput } = choices ?? {};
  return ![...(latency?.algorithms ?? ['onednn']), ...(throughput?.algorithms ?? [])].includes(
    'onednn',
  );
}

function readMetadata(
  module: CallableModule,
  name: string,
  description: ModelDescription & InputOptions,
): ModelMetadata {
  const text = module.extraFiles[metadataFile];
  const stored = text === undefined ? undefined : parseMetadata(text, name);
  const metadata = describeModel(stored, name, description);
  if (metadata) return metadata;
  throw new ModelError('ERR_SEMISUP_MODEL_FORMAT', {
    what: `${name} does not state its classes: it has no extra file '${metadataFile}'.`,
    remedy:
      'pid' in module
        ? 'Pass { classes, transform } to Classifier.open(): only classifiers can be isolated.'
        : 'Pass { classes, transform } to Classifier.open(), or open it with ScriptModule.load() to run it on tensors.',
    value: name,
  });
}

function checkOnError(
  images: ImageInput | readonly ImageInput[],
  { onError }: ImagesOptions,
): void {
  if (onError === undefined || onError === 'throw') return;
  if (onError !== 'return') throw invalidValue('onError', `'throw' or 'return'`, onError);
  if (!isArray(images)) throw invalidValue('onError', `'throw' for a single image`, onError);
}
