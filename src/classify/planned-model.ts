import { batch, decode, fallenLeaves, type EncodedFile } from '../image';
import { invalidValue } from '../options';
import {
  GpuJpegDecoder,
  whenAborted,
  type OpenDevice,
  type Plan,
  type ScriptModule,
  type Tensor,
} from '../torch';
import type { Pixels, Transform } from '../types';
import type { Timings } from './answer';
import { preprocess } from './preprocess';
import type { RunOptions } from './run-options';

/** A method of a model that takes images. */
export type Method = 'forward' | 'features';

/** The output for some images of a batch. */
export interface BatchOutput {
  readonly output: Tensor<'float32'>;
  /** The position of each row's image in the batch. */
  readonly indices: readonly number[];
  readonly timings: Omit<Timings, 'decode'>;
}

/** How many synthetic images a plan is calibrated and measured with. */
const syntheticImages = 8;

/** The largest batch: larger ones take more memory and are no faster. */
const maxBatchSize = { cpu: 8, gpu: 64 };

/** How many batches run concurrently: a GPU computes one while the next one is preprocessed. */
export function defaultInstances({ gpu }: OpenDevice): number {
  return gpu ? 2 : 1;
}

/** A TorchScript module with a plan for each of its methods that has run. */
export class PlannedModel {
  readonly maxBatchSize: number;
  /** How `forward` runs. */
  readonly plan: Plan;
  readonly #plans: Map<Method, Plan>;
  readonly #planning = new Map<Method, Promise<Plan>>();

  private constructor(
    readonly module: ScriptModule,
    private readonly transform: Transform,
    private readonly options: RunOptions,
    private readonly device: OpenDevice,
    /** Decodes JPEGs on the GPU, where that was asked for. */
    readonly jpegDecoder: GpuJpegDecoder | undefined,
    plan: Plan,
  ) {
    this.maxBatchSize = device.gpu ? maxBatchSize.gpu : maxBatchSize.cpu;
    this.plan = plan;
    this.#plans = new Map([['forward', plan]]);
  }

  /**
   * Plans `forward` of a module.
   *
   * @param module on the CPU, because a plan keeps its own weights on the device; one that runs without
   *   a plan is moved there. The caller closes it if this fails.
   * @throws OptionError if it cannot run in the precision
   * @throws DeviceError if the GPU is to decode JPEGs, and nvJPEG cannot be opened
   */
  static async open(
    module: ScriptModule,
    transform: Transform,
    options: RunOptions,
    device: OpenDevice,
  ): Promise<PlannedModel> {
    const jpegDecoder = await openJpegDecoder(module, options, device);
    const plan = await makePlan(module, 'forward', transform, options, device);
    return new PlannedModel(module, transform, options, device, jpegDecoder, plan);
  }

  /** Plans a method unless that is done. Calls share one attempt; a later call repeats a failed one. */
  async prepare(method: Method, signal: AbortSignal | undefined): Promise<void> {
    if (this.#plans.has(method)) return;
    let planning = this.#planning.get(method);
    if (!planning) {
      const { module, transform, options, device } = this;
      planning = makePlan(module, method, transform, options, device);
      this.#planning.set(method, planning);
      planning.then(
        (plan) => this.#plans.set(method, plan),
        () => this.#planning.delete(method),
      );
    }
    await whenAborted(signal, planning);
  }

  /** Runs a method that was prepared on a batch, and passes each output to `consume`, then frees it. */
  async run(
    method: Method,
    images: readonly (Pixels | EncodedFile)[],
    consume: (output: BatchOutput) => Promise<void>,
  ): Promise<void> {
    const began = performance.now();
    const isPlanned = this.#plans.get(method)!.kind !== 'interpreter';
    const subBatches = await preprocess(images, {
      executor: this.module.executor,
      transform: this.transform,
      gpu: isPlanned ? this.device.gpu : undefined,
      jpegDecoder: isPlanned ? this.jpegDecoder : undefined,
    });
    const preprocessed = performance.now();
    try {
      for (const { input, indices } of subBatches) {
        using output = await this.module.call<Tensor<'float32'>>(method, input);
        const forward = performance.now() - preprocessed;
        const timings = { transform: preprocessed - began, forward };
        await consume({ output, indices, timings });
      }
    } finally {
      for (const { input } of subBatches) input.dispose();
    }
  }
}

async function makePlan(
  module: ScriptModule,
  method: Method,
  transform: Transform,
  options: RunOptions,
  device: OpenDevice,
): Promise<Plan> {
  const { precision, tolerance, plan } = options;
  if (plan === 'interpreter') {
    if (device.name !== 'cpu') await module.moveTo(device);
    return {
      ...{ kind: 'interpreter', device: device.name, precision: 'float32' },
      reason: 'It was asked for.',
    };
  }
  const make = async () => {
    const decoding = options.calibration?.map((image) => decode(image, {}));
    const images = decoding ? await Promise.all(decoding) : await fallenLeaves(syntheticImages);
    return await batch(module.executor, images, transform, device.gpu);
  };
  const shape = [3, transform.crop, transform.crop];
  const example = { shape, transform, make };
  return await module.plan(method, example, { precision, tolerance, plan }, device);
}

async function openJpegDecoder(
  { executor }: ScriptModule,
  { decode = 'cpu', plan }: RunOptions,
  { gpu }: OpenDevice,
): Promise<GpuJpegDecoder | undefined> {
  if (decode === 'cpu') return undefined;
  if (gpu && plan !== 'interpreter') return await GpuJpegDecoder.open(executor, gpu);
  throw invalidValue('decode', `'cpu', where no plan runs on a GPU,`, decode);
}
