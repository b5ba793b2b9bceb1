import { EventEmitter } from 'node:events';
import {
  Classifier,
  type CallableModule,
  type ClassifyOptions,
  isImageFailure,
  type DetailedResult,
  type EmbedOptions,
  type ExplainOptions,
  type FeatureMap,
  type FeaturesOptions,
  type HeatMap,
  type ImageFailure,
  type ImageOptions,
  type ViewOptions,
  type Prediction,
  type ReturnErrors,
} from '../classify';
import { ModelError } from '../errors';
import type { ImageInput } from '../image';
import type { Tensor } from '../native';
import type { CallOptions, KeywordArguments, MethodSchema, ScriptValue } from '../torch';
import type { SlotEvents } from './events';
import { toProbe, type Probe } from './probe';
import type { ActiveModel } from './model-version';

/** A result, and the version of the model that computed it. */
export interface VersionedResult extends DetailedResult {
  /** The version number, starting at 1. */
  readonly version: number;
  /** The name of the version's source. */
  readonly source: string;
}

/** The methods of classifiers and modules. Each call runs on the model that is active when it starts. */
export abstract class ReplaceableModel extends EventEmitter<SlotEvents> {
  /** The last call of `forward` that succeeded. @internal */
  protected lastForwardCall: Probe | undefined;

  /** The active version: 1 initially, incremented by each swap. */
  get version(): number {
    return this.active.version;
  }

  /** The name of the active version's source: the model's name in the hub, or an absolute path. */
  get source(): string {
    return this.active.source;
  }

  /** The active model. */
  protected abstract get active(): ActiveModel;

  /**
   * Calls `callback` with the active version, e.g. to run several calls on one version. The model is
   * not freed until the result of `callback` settles.
   *
   * @throws DisposedError after `close()`
   */
  abstract use<T>(callback: (active: ActiveModel) => T | Promise<T>): Promise<T>;

  /** The schemas of the active module's methods, by name. */
  get methods(): Readonly<Record<string, MethodSchema>> {
    return moduleOf(this.active).methods;
  }

  /**
   * Returns the most probable classes of an image, best first; for an array of images, one such list
   * per image.
   *
   * @throws ModelError (`ERR_SEMISUP_MODEL_KIND`) if the active model is not a classifier. Also throws
   *   what `Classifier.classify` throws.
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
  ): Promise<Prediction[] | (Prediction[] | ImageFailure)[]> {
    return await this.use((active) =>
      classifierOf(active, 'classify').classify(images as ImageInput, options),
    );
  }

  /** Like `classify`, but also returns the duration of each step and the version. */
  classifyDetailed(image: ImageInput, options?: ClassifyOptions): Promise<VersionedResult>;
  classifyDetailed(
    images: readonly ImageInput[],
    options: ClassifyOptions & ReturnErrors,
  ): Promise<(VersionedResult | ImageFailure)[]>;
  classifyDetailed(
    images: readonly ImageInput[],
    options?: ClassifyOptions,
  ): Promise<VersionedResult[]>;
  async classifyDetailed(
    images: ImageInput | readonly ImageInput[],
    options?: ClassifyOptions,
  ): Promise<VersionedResult | (VersionedResult | ImageFailure)[]> {
    return await this.use(async (active) => {
      const { version, source } = active;
      const classifier = classifierOf(active, 'classifyDetailed');
      const addVersion = (result: DetailedResult) => ({ ...result, version, source });
      const results: DetailedResult | (DetailedResult | ImageFailure)[] =
        await classifier.classifyDetailed(images as ImageInput, options);
      if (!Array.isArray(results)) return addVersion(results);
      return (results as (DetailedResult | ImageFailure)[]).map((result) =>
        isImageFailure(result) ? result : addVersion(result),
      );
    });
  }

  /** Like `Classifier.embed`. */
  embed(image: ImageInput, options?: EmbedOptions): Promise<Float32Array>;
  embed(
    images: readonly ImageInput[],
    options: EmbedOptions & ReturnErrors,
  ): Promise<(Float32Array | ImageFailure)[]>;
  embed(images: readonly ImageInput[], options?: EmbedOptions): Promise<Float32Array[]>;
  async embed(
    images: ImageInput | readonly ImageInput[],
    options?: EmbedOptions,
  ): Promise<Float32Array | (Float32Array | ImageFailure)[]> {
    return await this.use((active) =>
      classifierOf(active, 'embed').embed(images as ImageInput, options),
    );
  }

  /** Like `Classifier.features`. */
  features(image: ImageInput, options?: FeaturesOptions): Promise<FeatureMap[]>;
  features(
    images: readonly ImageInput[],
    options: FeaturesOptions & ReturnErrors,
  ): Promise<(FeatureMap[] | ImageFailure)[]>;
  features(images: readonly ImageInput[], options?: FeaturesOptions): Promise<FeatureMap[][]>;
  async features(
    images: ImageInput | readonly ImageInput[],
    options?: FeaturesOptions,
  ): Promise<FeatureMap[] | (FeatureMap[] | ImageFailure)[]> {
    return await this.use((active) =>
      classifierOf(active, 'features').features(images as ImageInput, options),
    );
  }

  /** Like `Classifier.explain`. */
  explain(image: ImageInput, options?: ExplainOptions): Promise<HeatMap>;
  explain(
    images: readonly ImageInput[],
    options: ExplainOptions & ReturnErrors,
  ): Promise<(HeatMap | ImageFailure)[]>;
  explain(images: readonly ImageInput[], options?: ExplainOptions): Promise<HeatMap[]>;
  async explain(
    images: ImageInput | readonly ImageInput[],
    options?: ExplainOptions,
  ): Promise<HeatMap | (HeatMap | ImageFailure)[]> {
    return await this.use((active) =>
      classifierOf(active, 'explain').explain(images as ImageInput, options),
    );
  }

  /** Like `Classifier.logits`. */
  async logits(
    images: ImageInput | readonly ImageInput[],
    options?: ImageOptions & ViewOptions,
  ): Promise<Tensor<'float32'>> {
    return await this.use((active) => classifierOf(active, 'logits').logits(images, options));
  }

  /** Like `ScriptModule.forward`. */
  async forward<Result extends ScriptValue = Tensor>(
    ...args: (ScriptValue | KeywordArguments)[]
  ): Promise<Result> {
    return await this.invoke<Result>('forward', args);
  }

  /** Like `ScriptModule.call`. */
  async call<Result extends ScriptValue = Tensor>(
    method: string,
    ...args: (ScriptValue | KeywordArguments)[]
  ): Promise<Result> {
    return await this.invoke<Result>(method, args);
  }

  /** Like `ScriptModule.invoke`. */
  async invoke<Result extends ScriptValue = Tensor>(
    method: string,
    args: readonly (ScriptValue | KeywordArguments)[],
    options?: CallOptions,
  ): Promise<Result> {
    return await this.use(async (active) => {
      const result = await moduleOf(active).invoke<Result>(method, args, options);
      if (method === 'forward')
        this.lastForwardCall = toProbe(args, result) ?? this.lastForwardCall;
      return result;
    });
  }
}

function moduleOf({ model }: ActiveModel): CallableModule {
  return model instanceof Classifier ? model.module : model;
}

function classifierOf({ model, source }: ActiveModel, method: string): Classifier {
  if (model instanceof Classifier) return model;
  throw new ModelError('ERR_SEMISUP_MODEL_KIND', {
    what: `The model ${source} is a TorchScript module without ${method}().`,
    remedy:
      'Call forward(), call() or invoke(), or swap in a classifier written by hub.exportTorchScript().',
    value: source,
  });
}
