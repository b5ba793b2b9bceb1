import {
  decode,
  decodeUnlessJpeg,
  type DecodedPixels,
  type DecodeOptions,
  type EncodedFile,
  type ImageInput,
} from '../image';
import { classesOf, featureInfo, type ImageClass, type ModelMetadata } from '../models';
import { checkSignal } from '../options';
import { Semaphore } from '../semaphore';
import { softmaxTopk, rejectOnAbort, type Tensor } from '../native';
import type { Pixels } from '../types';
import { toPredictions, type DetailedResult } from './prediction';
import { Batcher, type Reserve } from './batcher';
import { checkLogits, checkRows } from './check-output';
import { locateFailure, type ImageFailure } from './image-failure';
import { copyImages, isArray } from './image-list';
import type { Method } from './create-plan';
import { cropBox } from './crop-box';
import { readFeatureMaps, type FeatureMap } from './feature-map';
import {
  checkRawHeatMap,
  readClassMaps,
  toHeatMap,
  type HeatMap,
  type HeatMapRequest,
  type RawHeatMap,
} from './heat-map';
import { LayerFailure } from './layer-error';
import type { SubBatchOutput, PlannedModel } from './planned-model';

/** Options of every call that takes images. */
export interface ImageOptions {
  /**
   * Rotates and mirrors each image according to its EXIF orientation; `false` by default, as in torchvision.
   */
  readonly orient?: boolean;
  /**
   * When aborted, the promise is rejected with the signal's reason. A running batch finishes, because it may
   * contain images of other calls; this call's results are discarded.
   */
  readonly signal?: AbortSignal;
}

/** Options of calls that take images and return one result per image. */
export interface ImagesOptions extends ImageOptions {
  /**
   * What happens if an image of an array is missing, corrupt, invalid or exceeds a limit: `'throw'`, the
   * default, rejects the promise with its error; `'return'` returns the error in place of its result. The error's
   * `index` is the position of the image.
   */
  readonly onError?: 'throw' | 'return';
}

/** An image that is ready for a batch. */
interface PreparedImage<Image = Pixels | EncodedFile> {
  /** Pixels, or a JPEG that the GPU decodes. */
  readonly image: Image;
  /** The time to read the image and, unless the GPU decodes it, to decode it, in milliseconds. */
  readonly preparationTime: number;
}

/** An image whose heat map is computed. */
interface ExplainInput extends HeatMapRequest {
  /** Not a file, because the size of the image is needed. */
  readonly image: DecodedPixels;
}

interface ClassifyInput extends PreparedImage {
  /** The number of classes to return. */
  readonly k: number;
}

/** An image whose feature maps are returned. */
interface FeaturesInput extends PreparedImage {
  /** The layers, as indices in `featureInfo`. */
  readonly layers: readonly number[];
}

/** The methods whose output has one row per image. */
type RowMethod = Exclude<Method, 'class_maps' | 'pyramid'>;

/** The maximum time that a decoded image waits for others, so that they share a batch, in milliseconds. */
const maxDelay = 10;

/**
 * The maximum size of the decoded images of a model, between decoding and the end of their batches, in bytes. An
 * image that exceeds it is decoded alone.
 */
const maxPixelBytes = 2 ** 29;

/** Decodes images, combines those of all calls into batches, and runs the batches. */
export class ImagePipeline {
  readonly #model: PlannedModel;
  readonly #metadata: ModelMetadata;
  readonly #classes: readonly ImageClass[];
  readonly #classifyBatcher: Batcher<ClassifyInput, DetailedResult>;
  readonly #rowBatchers: Readonly<Record<RowMethod, Batcher<PreparedImage, Float32Array>>>;
  readonly #featuresBatcher: Batcher<FeaturesInput, FeatureMap[]>;
  readonly #classMapBatcher: Batcher<ExplainInput, HeatMap>;
  readonly #gradCamBatcher: Batcher<ExplainInput, HeatMap>;

  constructor(model: PlannedModel, metadata: ModelMetadata) {
    this.#model = model;
    this.#metadata = metadata;
    this.#classes = classesOf(metadata);
    const { maxBatchSize, module } = model;
    const memory = new Semaphore(maxPixelBytes);
    const options = { maxBatchSize, concurrency: module.executor.instances, maxDelay, memory };
    this.#classifyBatcher = new Batcher(options, (inputs) => this.#classifyBatch(inputs));
    this.#rowBatchers = {
      forward: new Batcher(options, (inputs) => this.#rowsOfBatch('forward', inputs)),
      features: new Batcher(options, (inputs) => this.#rowsOfBatch('features', inputs)),
    };
    this.#featuresBatcher = new Batcher(options, (inputs) => this.#featuresOfBatch(inputs));
    this.#classMapBatcher = new Batcher(options, (inputs) => this.#explainBatch(inputs));
    // A backward pass keeps the output of each later layer: of one image at a time.
    this.#gradCamBatcher = new Batcher({ ...options, maxBatchSize: 1 }, ([input]) =>
      this.#explainByGradients(input!),
    );
  }

  /** Returns the `k` most probable classes of each image. */
  async classify(
    images: ImageInput | readonly ImageInput[],
    k: number,
    options: ImagesOptions,
  ): Promise<(DetailedResult | ImageFailure)[]> {
    const toInput = (image: PreparedImage) => ({ ...image, k });
    return await this.#run(images, options, this.#classifyBatcher, toInput, this.#read);
  }

  /** Returns the heat map of each image. @throws OptionError if the model does not call the layer */
  async explain(
    images: ImageInput | readonly ImageInput[],
    request: HeatMapRequest,
    options: ImagesOptions,
  ): Promise<(HeatMap | ImageFailure)[]> {
    const batcher = request.layer === undefined ? this.#classMapBatcher : this.#gradCamBatcher;
    const toInput = ({ image }: PreparedImage<DecodedPixels>) => ({ ...request, image });
    try {
      return await this.#run(images, options, batcher, toInput, decode);
    } catch (error) {
      throw error instanceof LayerFailure ? error.toOptionError() : error;
    }
  }

  /** Returns the feature maps of each image, for layers by their indices in `featureInfo`. */
  async features(
    images: ImageInput | readonly ImageInput[],
    layers: readonly number[],
    options: ImagesOptions,
  ): Promise<(FeatureMap[] | ImageFailure)[]> {
    const toInput = (image: PreparedImage) => ({ ...image, layers });
    return await this.#run(images, options, this.#featuresBatcher, toInput, this.#read);
  }

  /** Runs a method and returns one row of its output per image. */
  async rows(
    method: RowMethod,
    images: ImageInput | readonly ImageInput[],
    options: ImagesOptions,
  ): Promise<(Float32Array | ImageFailure)[]> {
    const toInput = (image: PreparedImage) => image;
    return await this.#run(images, options, this.#rowBatchers[method], toInput, this.#read);
  }

  get #read() {
    return this.#model.decodesJpegs ? decodeUnlessJpeg : decode;
  }

  /** Adds the images of a call to a batcher. If the call fails, those that have not run yet are aborted. */
  async #run<Image, Input, Result>(
    images: ImageInput | readonly ImageInput[],
    { orient, signal, onError = 'throw' }: ImagesOptions,
    batcher: Batcher<Input, Result>,
    toInput: (image: PreparedImage<Image>) => Input,
    read: (image: ImageInput, options: DecodeOptions) => Promise<Image>,
  ): Promise<(Result | ImageFailure)[]> {
    checkSignal(signal);
    const list = isArray(images) ? copyImages(images) : [images];
    const stop = new AbortController();
    const prepare = async (input: ImageInput, reserve: Reserve) => {
      const startTime = performance.now();
      const { limits, minSide } = this.#model;
      const image = await read(input, { orient, limits, minSide, reserve, signal: stop.signal });
      return toInput({ image, preparationTime: performance.now() - startTime });
    };
    const run = async (image: ImageInput, index: number) => {
      try {
        // `stop` also identifies the call.
        return await batcher.add((reserve) => prepare(image, reserve), {
          signal: stop.signal,
          call: stop,
        });
      } catch (error) {
        const failure = isArray(images) && locateFailure(error, index);
        if (failure && onError === 'return') return failure;
        throw error;
      }
    };
    const results = list.map(run);
    try {
      return await rejectOnAbort(signal, Promise.all(results));
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  }

  async #classifyBatch(inputs: readonly ClassifyInput[]): Promise<DetailedResult[]> {
    const maxK = Math.max(...inputs.map(({ k }) => k));
    return await this.#runBatch('forward', inputs, async ({ outputs, timings }, subInputs) => {
      const best = await softmaxTopk(this.#model.module.executor, outputs[0]!, maxK);
      return toPredictions(best, maxK, this.#classes).map((predictions, i) => ({
        predictions: predictions.slice(0, subInputs[i]!.k),
        timings: { decode: subInputs[i]!.preparationTime, ...timings },
      }));
    });
  }

  async #explainBatch(inputs: readonly ExplainInput[]): Promise<HeatMap[]> {
    return await this.#runBatch('class_maps', inputs, async ({ outputs }, subInputs) => {
      const rows = await toRows(outputs[0]!);
      return subInputs.map((input, i) => {
        const raw = readClassMaps(rows[i]!, this.#metadata, input.index);
        return this.#describeHeatMap(raw, input);
      });
    });
  }

  async #explainByGradients(input: ExplainInput): Promise<HeatMap[]> {
    const { image, layer, index } = input;
    const raw = await this.#model.gradCam(image, layer!, index);
    checkRawHeatMap(raw, this.#metadata);
    return [this.#describeHeatMap(raw, input)];
  }

  #describeHeatMap(raw: RawHeatMap, { image }: ExplainInput): HeatMap {
    const { width, height } = image.shrunkFrom ?? image;
    const box = cropBox({ width, height }, this.#metadata.transform);
    return toHeatMap(raw, this.#classes, box, { width, height });
  }

  async #rowsOfBatch(method: RowMethod, inputs: readonly PreparedImage[]): Promise<Float32Array[]> {
    return await this.#runBatch(method, inputs, async ({ outputs }) => await toRows(outputs[0]!));
  }

  /** Calls whose images share the batch may ask for different layers: it computes those of all. */
  async #featuresOfBatch(inputs: readonly FeaturesInput[]): Promise<FeatureMap[][]> {
    const info = featureInfo(this.#metadata);
    const computed = [...new Set(inputs.flatMap(({ layers }) => layers))];
    return await this.#runBatch(
      'pyramid',
      inputs,
      async ({ outputs }, subInputs) => {
        const maps = new Map<number, FeatureMap[]>();
        for (const [i, layer] of computed.entries()) {
          maps.set(layer, await readFeatureMaps(outputs[i]!, info[layer]!, this.#metadata));
        }
        return subInputs.map(({ layers }, image) =>
          layers.map((layer) => maps.get(layer)![image]!),
        );
      },
      computed,
    );
  }

  /**
   * Runs a batch. The model may split it into sub-batches, whose results are put into the order of `inputs`.
   *
   * @param selected see `PlannedModel.run`
   */
  async #runBatch<Input extends { readonly image: Pixels | EncodedFile }, Result>(
    method: Method,
    inputs: readonly Input[],
    toResults: (subBatch: SubBatchOutput, inputs: readonly Input[]) => Promise<readonly Result[]>,
    selected?: readonly number[],
  ): Promise<Result[]> {
    const results = new Array<Result>(inputs.length);
    const images = inputs.map(({ image }) => image);
    await this.#model.run(method, selected, images, async (subBatch) => {
      const { outputs, indices } = subBatch;
      for (const { shape } of outputs) {
        if (method === 'forward') checkLogits(this.#metadata, shape);
        checkRows(this.#metadata, shape, indices.length);
      }
      const subInputs = indices.map((index) => inputs[index]!);
      const subResults = await toResults(subBatch, subInputs);
      for (const [i, index] of indices.entries()) results[index] = subResults[i]!;
    });
    return results;
  }
}

/** Copies each row into its own buffer, so that a retained row does not keep the others alive. */
async function toRows(output: Tensor<'float32'>): Promise<Float32Array[]> {
  const [rows = 0, columns = 0] = output.shape;
  const data = await output.data();
  return Array.from({ length: rows }, (_, row) => data.slice(row * columns, (row + 1) * columns));
}
