import {
  decode,
  decodeUnlessJpeg,
  viewCounts,
  type DecodedPixels,
  type DecodeOptions,
  type EncodedFile,
  type ImageInput,
} from '../image';
import { classesOf, featureInfo, type ImageClass, type ModelMetadata } from '../models';
import { checkSignal } from '../options';
import { Semaphore } from '../semaphore';
import { softmaxTopk, rejectOnAbort, type Tensor } from '../native';
import type { Pixels, Views } from '../types';
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
import { averageViews } from './views';

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

/** An image of which the model sees views. */
interface ViewedImage extends PreparedImage {
  readonly views: Views;
}

/** How an image is classified. */
interface ClassifyRequest {
  /** The number of classes to return. */
  readonly k: number;
  readonly views: Views;
  /** Divides the logits before softmax. */
  readonly temperature: number;
}

interface ClassifyInput extends ViewedImage, ClassifyRequest {}

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
  readonly #rowBatchers: Readonly<Record<RowMethod, Batcher<ViewedImage, Float32Array>>>;
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
    const rowsOf = ({ views }: { readonly views: Views }) => viewCounts[views];
    const viewOptions = { ...options, rowsOf };
    this.#classifyBatcher = new Batcher<ClassifyInput, DetailedResult>(viewOptions, (inputs) =>
      this.#classifyBatch(inputs),
    );
    const rowBatcher = (method: RowMethod) =>
      new Batcher<ViewedImage, Float32Array>(viewOptions, (inputs) =>
        this.#rowsOfBatch(method, inputs),
      );
    this.#rowBatchers = { forward: rowBatcher('forward'), features: rowBatcher('features') };
    this.#featuresBatcher = new Batcher<FeaturesInput, FeatureMap[]>(options, (inputs) =>
      this.#featuresOfBatch(inputs),
    );
    this.#classMapBatcher = new Batcher(options, (inputs) => this.#explainBatch(inputs));
    // A backward pass keeps the output of each later layer: of one image at a time.
    this.#gradCamBatcher = new Batcher({ ...options, maxBatchSize: 1 }, ([input]) =>
      this.#explainByGradients(input!),
    );
  }

  /** Returns the `k` most probable classes of each image. */
  async classify(
    images: ImageInput | readonly ImageInput[],
    request: ClassifyRequest,
    options: ImagesOptions,
  ): Promise<(DetailedResult | ImageFailure)[]> {
    const toInput = (image: PreparedImage) => ({ ...image, ...request });
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

  /** Runs a method and returns one row of its output per image, the mean over its views. */
  async rows(
    method: RowMethod,
    images: ImageInput | readonly ImageInput[],
    views: Views,
    options: ImagesOptions,
  ): Promise<(Float32Array | ImageFailure)[]> {
    const toInput = (image: PreparedImage) => ({ ...image, views });
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
      const temperatures = Float64Array.from(subInputs, ({ temperature }) => temperature);
      const best = await softmaxTopk(this.#model.module.executor, outputs[0]!, maxK, temperatures);
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

  async #rowsOfBatch(method: RowMethod, inputs: readonly ViewedImage[]): Promise<Float32Array[]> {
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
   * Runs a batch, images with the same views at a time. The model may split these into sub-batches, whose results are
   * put into the order of `inputs`.
   *
   * @param selected see `PlannedModel.run`
   */
  async #runBatch<Input extends BatchInput, Result>(
    method: Method,
    inputs: readonly Input[],
    toResults: (subBatch: SubBatchOutput, inputs: readonly Input[]) => Promise<readonly Result[]>,
    selected?: readonly number[],
  ): Promise<Result[]> {
    const results = new Array<Result>(inputs.length);
    for (const [views, positions] of groupByViews(inputs)) {
      const images = positions.map((position) => inputs[position]!.image);
      await this.#model.run({ method, views, selected }, images, async (subBatch) => {
        const subPositions = subBatch.indices.map((index) => positions[index]!);
        const subInputs = subPositions.map((position) => inputs[position]!);
        for (const { shape } of subBatch.outputs) {
          if (method === 'forward') checkLogits(this.#metadata, shape);
          checkRows(this.#metadata, shape, subInputs.length * viewCounts[views]);
        }
        const subResults = await withMeanOutputs(subBatch, views, (mean) =>
          toResults(mean, subInputs),
        );
        for (const [i, position] of subPositions.entries()) results[position] = subResults[i]!;
      });
    }
    return results;
  }
}

/** An image of a batch. */
interface BatchInput {
  readonly image: Pixels | EncodedFile;
  /** `'center'` by default. */
  readonly views?: Views;
}

/** The positions of the inputs with each kind of views. */
function groupByViews(inputs: readonly BatchInput[]): Map<Views, number[]> {
  const groups = new Map<Views, number[]>();
  for (const [position, { views = 'center' }] of inputs.entries()) {
    const group = groups.get(views);
    if (group) group.push(position);
    else groups.set(views, [position]);
  }
  return groups;
}

/** Passes the means of the outputs over the views of each image to `use`. */
async function withMeanOutputs<Result>(
  subBatch: SubBatchOutput,
  views: Views,
  use: (mean: SubBatchOutput) => Promise<Result>,
): Promise<Result> {
  if (views === 'center') return await use(subBatch);
  const outputs = await Promise.all(subBatch.outputs.map((output) => averageViews(output, views)));
  try {
    return await use({ ...subBatch, outputs });
  } finally {
    for (const output of outputs) output.dispose();
  }
}

/** Copies each row into its own buffer, so that a retained row does not keep the others alive. */
async function toRows(output: Tensor<'float32'>): Promise<Float32Array[]> {
  const [rows = 0, columns = 0] = output.shape;
  const data = await output.data();
  return Array.from({ length: rows }, (_, row) => data.slice(row * columns, (row + 1) * columns));
}
