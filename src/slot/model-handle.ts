import { EventEmitter } from 'node:events';
import {
  Classifier,
  type ClassifyOptions,
  type DetailedAnswer,
  type ImageOptions,
  type Prediction,
} from '../classify';
import { ModelError } from '../errors';
import type { ImageInput } from '../image';
import type { CallOptions, Keywords, MethodSchema, ScriptModule, Tensor, Value } from '../torch';
import type { SlotEvents } from './events';
import { toProbe, type Probe } from './probe';
import type { Serving } from './serving';

/** An answer with the version of the model that gave it. */
export interface VersionedAnswer extends DetailedAnswer {
  /** Counted from 1. */
  readonly version: number;
  /** The name of the version's source. */
  readonly source: string;
}

/** The methods of a classifier and of a module, each request sent to the model that serves when it comes. */
export abstract class ModelHandle extends EventEmitter<SlotEvents> {
  /** The last call of `forward` that was answered. */
  /** @internal */
  protected lastRequest: Probe | undefined;

  /** The version that serves now: 1 at first, one more after each swap. */
  get version(): number {
    return this.serving.version;
  }

  /** The name of its source: the hub's name of the model, or an absolute path. */
  get source(): string {
    return this.serving.source;
  }

  /** The model that serves now. */
  protected abstract get serving(): Serving;

  /**
   * Does a piece of work with the version that serves now: several requests to one version, or one whose
   * version is to be known. The model is not freed before the work is done.
   *
   * @throws DisposedError after `close()`
   */
  abstract use<T>(work: (serving: Serving) => T | Promise<T>): Promise<T>;

  /** What the methods of its module take and give, by name. */
  get methods(): Readonly<Record<string, MethodSchema>> {
    return moduleOf(this.serving).methods;
  }

  /**
   * The likeliest classes of an image, best first; for an array of images an array of these.
   *
   * @throws ModelError (`ERR_SEMISUP_MODEL_KIND`) if a bare module serves; otherwise as
   *   `Classifier.classify`
   */
  classify(image: ImageInput, options?: ClassifyOptions): Promise<Prediction[]>;
  classify(images: readonly ImageInput[], options?: ClassifyOptions): Promise<Prediction[][]>;
  async classify(
    images: ImageInput | readonly ImageInput[],
    options?: ClassifyOptions,
  ): Promise<Prediction[] | Prediction[][]> {
    return await this.use((serving) =>
      classifierOf(serving, 'classify').classify(images as ImageInput, options),
    );
  }

  /** As `classify`, with the time that each step took and the version that answered. */
  classifyDetailed(image: ImageInput, options?: ClassifyOptions): Promise<VersionedAnswer>;
  classifyDetailed(
    images: readonly ImageInput[],
    options?: ClassifyOptions,
  ): Promise<VersionedAnswer[]>;
  async classifyDetailed(
    images: ImageInput | readonly ImageInput[],
    options?: ClassifyOptions,
  ): Promise<VersionedAnswer | VersionedAnswer[]> {
    return await this.use(async (serving) => {
      const { version, source } = serving;
      const classifier = classifierOf(serving, 'classifyDetailed');
      const answers: DetailedAnswer | DetailedAnswer[] = await classifier.classifyDetailed(
        images as ImageInput,
        options,
      );
      return Array.isArray(answers)
        ? (answers as DetailedAnswer[]).map((answer) => ({ ...answer, version, source }))
        : { ...answers, version, source };
    });
  }

  /** The pooled features of an image, or of each of an array; as `Classifier.embed`. */
  embed(image: ImageInput, options?: ImageOptions): Promise<Float32Array>;
  embed(images: readonly ImageInput[], options?: ImageOptions): Promise<Float32Array[]>;
  async embed(
    images: ImageInput | readonly ImageInput[],
    options?: ImageOptions,
  ): Promise<Float32Array | Float32Array[]> {
    return await this.use((serving) =>
      classifierOf(serving, 'embed').embed(images as ImageInput, options),
    );
  }

  /** The output for images before softmax, float32 [n, classes]; as `Classifier.logits`. */
  async logits(
    images: ImageInput | readonly ImageInput[],
    options?: ImageOptions,
  ): Promise<Tensor<'float32'>> {
    return await this.use((serving) => classifierOf(serving, 'logits').logits(images, options));
  }

  /** Calls the module's `forward`; as `ScriptModule.forward`. */
  async forward<Result extends Value = Tensor>(...args: (Value | Keywords)[]): Promise<Result> {
    return await this.invoke<Result>('forward', args);
  }

  /** Calls a method of the module by its name; as `ScriptModule.call`. */
  async call<Result extends Value = Tensor>(
    method: string,
    ...args: (Value | Keywords)[]
  ): Promise<Result> {
    return await this.invoke<Result>(method, args);
  }

  /** As `call`, with the arguments as an array, and with options; as `ScriptModule.invoke`. */
  async invoke<Result extends Value = Tensor>(
    method: string,
    args: readonly (Value | Keywords)[],
    options?: CallOptions,
  ): Promise<Result> {
    return await this.use(async (serving) => {
      const answer = await moduleOf(serving).invoke<Result>(method, args, options);
      if (method === 'forward') this.lastRequest = toProbe(args, answer) ?? this.lastRequest;
      return answer;
    });
  }
}

function moduleOf({ model }: Serving): ScriptModule {
  return model instanceof Classifier ? model.module : model;
}

function classifierOf({ model, source }: Serving, method: string): Classifier {
  if (model instanceof Classifier) return model;
  throw new ModelError('ERR_SEMISUP_MODEL_KIND', {
    what: `The model of ${source} is a bare TorchScript module, and has no ${method}().`,
    remedy:
      'Call forward(), call() or invoke(), or swap in a classifier, as hub.exportTorchScript() writes it.',
    value: source,
  });
}
