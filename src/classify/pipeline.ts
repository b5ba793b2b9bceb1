import { ModelError } from '../errors';
import { decode, decodeUnlessJpeg, type EncodedFile, type ImageInput } from '../image';
import type { ImageClass } from '../models';
import { checkSignal } from '../options';
import { softmaxTopk, rejectOnAbort, type Tensor } from '../torch';
import type { Pixels } from '../types';
import { toPredictions, type DetailedResult } from './prediction';
import { Batcher } from './batcher';
import type { BatchOutput, Method, PlannedModel } from './planned-model';

/** Options of every call that takes images. */
export interface ImageOptions {
  /** Rotates each image according to its EXIF orientation; `false` by default, as in torchvision. */
  readonly orient?: boolean;
  /** Rejects the call with the signal's reason; a running batch finishes, and its result is dropped. */
  readonly signal?: AbortSignal;
}

/** An image in the pipeline. */
interface DecodedImage {
  /** Pixels, or a JPEG that the GPU decodes. */
  readonly image: Pixels | EncodedFile;
  /** The duration of decoding, in milliseconds. */
  readonly decodeTime: number;
}

interface ClassifyInput extends DecodedImage {
  readonly topk: number;
}

/** The time that a decoded image waits for images being decoded, in milliseconds. */
const maxDelay = 10;

/** Decodes images, combines those of all calls into batches, and runs the batches. */
export class ImagePipeline {
  readonly #model: PlannedModel;
  readonly #classes: readonly ImageClass[];
  readonly #classifyBatcher: Batcher<ClassifyInput, DetailedResult>;
  readonly #rowBatchers: Readonly<Record<Method, Batcher<DecodedImage, Float32Array>>>;

  /** @param classes the classes of the model's output */
  constructor(model: PlannedModel, classes: readonly ImageClass[]) {
    this.#model = model;
    this.#classes = classes;
    const { maxBatchSize, module } = model;
    const options = { maxBatchSize, concurrency: module.executor.instances, maxDelay };
    this.#classifyBatcher = new Batcher(options, (inputs) => this.#classifyBatch(inputs));
    this.#rowBatchers = {
      forward: new Batcher(options, (inputs) => this.#rowsOfBatch('forward', inputs)),
      features: new Batcher(options, (inputs) => this.#rowsOfBatch('features', inputs)),
    };
  }

  /** Returns the `topk` most probable classes of each image. */
  async classify(
    images: readonly ImageInput[],
    topk: number,
    options: ImageOptions,
  ): Promise<DetailedResult[]> {
    return await this.#run(images, options, this.#classifyBatcher, (decoded) => ({
      ...decoded,
      topk,
    }));
  }

  /** Runs a method and returns one row of its output per image. */
  async rows(
    method: Method,
    images: readonly ImageInput[],
    options: ImageOptions,
  ): Promise<Float32Array[]> {
    return await this.#run(images, options, this.#rowBatchers[method], (decoded) => decoded);
  }

  /** Runs the images of a call. The first failure aborts those that have not run. */
  async #run<Input, Result>(
    images: readonly ImageInput[],
    { orient, signal }: ImageOptions,
    batcher: Batcher<Input, Result>,
    toInput: (decoded: DecodedImage) => Input,
  ): Promise<Result[]> {
    checkSignal(signal);
    const stop = new AbortController();
    const read = this.#model.jpegDecoder ? decodeUnlessJpeg : decode;
    const prepare = async (input: ImageInput) => {
      const startTime = performance.now();
      const image = await read(input, { orient, signal: stop.signal });
      return toInput({ image, decodeTime: performance.now() - startTime });
    };
    const results = images.map((image) =>
      batcher.add(() => prepare(image), { signal: stop.signal, call: stop }),
    );
    try {
      return await rejectOnAbort(signal, Promise.all(results));
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  }

  async #classifyBatch(inputs: readonly ClassifyInput[]): Promise<DetailedResult[]> {
    const maxTopk = Math.max(...inputs.map(({ topk }) => topk));
    return await this.#runBatch('forward', inputs, async ({ output, timings }, batchInputs) => {
      const best = await softmaxTopk(this.#model.module.executor, output, maxTopk);
      return toPredictions(best, maxTopk, this.#classes).map((predictions, i) => ({
        predictions: predictions.slice(0, batchInputs[i]!.topk),
        timings: { decode: batchInputs[i]!.decodeTime, ...timings },
      }));
    });
  }

  async #rowsOfBatch(method: Method, inputs: readonly DecodedImage[]): Promise<Float32Array[]> {
    return await this.#runBatch(method, inputs, async ({ output }) =>
      toRows(await output.data(), output.shape),
    );
  }

  /** Runs a batch, and converts each of its outputs to the results of the inputs it belongs to. */
  async #runBatch<Input extends DecodedImage, Result>(
    method: Method,
    inputs: readonly Input[],
    toResults: (output: BatchOutput, inputs: readonly Input[]) => Promise<readonly Result[]>,
  ): Promise<Result[]> {
    const results = new Array<Result>(inputs.length);
    const images = inputs.map(({ image }) => image);
    await this.#model.run(method, images, async (output) => {
      if (method === 'forward') this.#checkClassCount(output.output);
      const batchInputs = output.indices.map((index) => inputs[index]!);
      const batchResults = await toResults(output, batchInputs);
      for (const [i, index] of output.indices.entries()) results[index] = batchResults[i]!;
    });
    return results;
  }

  /** Checks that the metadata of a file match its module. */
  #checkClassCount({ shape }: Tensor): void {
    if (shape.length === 2 && shape[1] === this.#classes.length) return;
    throw new ModelError('ERR_SEMISUP_MODEL_FORMAT', {
      what: `The model returned logits of shape [${shape.join(', ')}], but its metadata list ${this.#classes.length} classes.`,
      remedy: 'Export it again with hub.exportTorchScript().',
      value: shape,
    });
  }
}

/** Copies each row into its own buffer, so that a retained row does not keep the others alive. */
function toRows(data: Float32Array, shape: readonly number[]): Float32Array[] {
  const [rows = 0, columns = 0] = shape;
  return Array.from({ length: rows }, (_, row) => data.slice(row * columns, (row + 1) * columns));
}
