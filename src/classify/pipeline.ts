import { ModelError } from '../errors';
import { decode, decodeUnlessJpeg, type EncodedFile, type ImageInput } from '../image';
import type { ImageClass } from '../models';
import { checkSignal } from '../options';
import { topk, whenAborted, type Tensor } from '../torch';
import type { Pixels } from '../types';
import { toPredictions, type DetailedAnswer } from './answer';
import { Batcher } from './batcher';
import type { BatchOutput, Method, PlannedModel } from './planned-model';

/** Options of every call that takes images. */
export interface ImageOptions {
  /** Rotates each image according to its EXIF orientation; `false` by default, as in torchvision. */
  readonly orient?: boolean;
  /** Rejects the call with the signal's reason; a batch that runs is finished and its result dropped. */
  readonly signal?: AbortSignal;
}

/** What an image passes through the pipeline as. */
interface DecodedImage {
  /** Its pixels, or a JPEG that the GPU decodes. */
  readonly image: Pixels | EncodedFile;
  /** How long it took to decode, in milliseconds. */
  readonly decodeTime: number;
}

interface ClassifyInput extends DecodedImage {
  readonly topk: number;
}

/** How long a decoded image waits for others that are being decoded, in milliseconds. */
const maxDelay = 10;

/** From images to answers: decodes them, combines those of all calls into batches, and runs these. */
export class ImagePipeline {
  readonly #model: PlannedModel;
  readonly #classes: readonly ImageClass[];
  readonly #answers: Batcher<ClassifyInput, DetailedAnswer>;
  readonly #rows: Readonly<Record<Method, Batcher<DecodedImage, Float32Array>>>;

  /** @param classes of the model's output */
  constructor(model: PlannedModel, classes: readonly ImageClass[]) {
    this.#model = model;
    this.#classes = classes;
    const { maxBatchSize, module } = model;
    const options = { maxBatchSize, concurrency: module.executor.instances, maxDelay };
    this.#answers = new Batcher(options, (inputs) => this.#classifyBatch(inputs));
    this.#rows = {
      forward: new Batcher(options, (inputs) => this.#rowsOfBatch('forward', inputs)),
      features: new Batcher(options, (inputs) => this.#rowsOfBatch('features', inputs)),
    };
  }

  /** The `topk` most probable classes of each image. */
  async classify(
    images: readonly ImageInput[],
    topk: number,
    options: ImageOptions,
  ): Promise<DetailedAnswer[]> {
    return await this.#run(images, options, this.#answers, (decoded) => ({ ...decoded, topk }));
  }

  /** The row of a method's output for each image. */
  async rows(
    method: Method,
    images: readonly ImageInput[],
    options: ImageOptions,
  ): Promise<Float32Array[]> {
    return await this.#run(images, options, this.#rows[method], (decoded) => decoded);
  }

  /** Runs the images of a call, in their order. One that fails stops those that have not run. */
  async #run<Input, Answer>(
    images: readonly ImageInput[],
    { orient, signal }: ImageOptions,
    batcher: Batcher<Input, Answer>,
    toInput: (decoded: DecodedImage) => Input,
  ): Promise<Answer[]> {
    checkSignal(signal);
    const stop = new AbortController();
    const read = this.#model.jpegDecoder ? decodeUnlessJpeg : decode;
    const prepare = async (input: ImageInput) => {
      const began = performance.now();
      const image = await read(input, { orient, signal: stop.signal });
      return toInput({ image, decodeTime: performance.now() - began });
    };
    const answers = images.map((image) =>
      batcher.add(() => prepare(image), { signal: stop.signal, call: stop }),
    );
    try {
      return await whenAborted(signal, Promise.all(answers));
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  }

  async #classifyBatch(inputs: readonly ClassifyInput[]): Promise<DetailedAnswer[]> {
    const most = Math.max(...inputs.map(({ topk }) => topk));
    return await this.#runBatch('forward', inputs, async ({ output, timings }, those) => {
      const best = await topk(this.#model.module.executor, output, most);
      return toPredictions(best, most, this.#classes).map((predictions, i) => ({
        predictions: predictions.slice(0, those[i]!.topk),
        timings: { decode: those[i]!.decodeTime, ...timings },
      }));
    });
  }

  async #rowsOfBatch(method: Method, inputs: readonly DecodedImage[]): Promise<Float32Array[]> {
    return await this.#runBatch(method, inputs, async ({ output }) =>
      toRows(await output.data(), output.shape),
    );
  }

  /** Runs a batch, and makes the answers of the inputs that each output belongs to. */
  async #runBatch<Input extends DecodedImage, Answer>(
    method: Method,
    inputs: readonly Input[],
    toAnswers: (output: BatchOutput, inputs: readonly Input[]) => Promise<readonly Answer[]>,
  ): Promise<Answer[]> {
    const answers = new Array<Answer>(inputs.length);
    const images = inputs.map(({ image }) => image);
    await this.#model.run(method, images, async (output) => {
      if (method === 'forward') this.#checkClassCount(output.output);
      const those = output.indices.map((index) => inputs[index]!);
      const some = await toAnswers(output, those);
      for (const [i, index] of output.indices.entries()) answers[index] = some[i]!;
    });
    return answers;
  }

  /** The metadata of a file may not match its module. */
  #checkClassCount({ shape }: Tensor): void {
    if (shape.length === 2 && shape[1] === this.#classes.length) return;
    throw new ModelError('ERR_SEMISUP_MODEL_FORMAT', {
      what: `The model returned logits of shape [${shape.join(', ')}], but its metadata list ${this.#classes.length} classes.`,
      remedy: 'Export it again with hub.exportTorchScript().',
      value: shape,
    });
  }
}

/** The rows of a matrix, each in its own memory, so that a row that is kept does not retain the others. */
function toRows(data: Float32Array, shape: readonly number[]): Float32Array[] {
  const [rows = 0, columns = 0] = shape;
  return Array.from({ length: rows }, (_, row) => data.slice(row * columns, (row + 1) * columns));
}
