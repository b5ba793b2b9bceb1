import { batch, deadLeavesImages, decode, type DecodeLimits, type EncodedFile } from '../image';
import { invalidValue } from '../options';
import {
  GpuJpegDecoder,
  rejectOnAbort,
  type DeviceHandle,
  type Plan,
  type ScriptModule,
  type Tensor,
} from '../torch';
import type { Pixels, Transform } from '../types';
import type { Timings } from './prediction';
import { preprocess } from './preprocess';
import type { InferenceOptions } from './model-options';

/** A method of a model that takes images. */
export type Method = 'forward' | 'features';

/** The output for the images of a sub-batch. */
export interface SubBatchOutput {
  readonly output: Tensor<'float32'>;
  /** The position of each row's image in the batch. */
  readonly indices: readonly number[];
  readonly timings: Omit<Timings, 'decode'>;
}

/** The number of synthetic images that calibrate and measure a plan. */
const syntheticImageCount = 8;

/** The maximum batch size: larger batches use more memory and are not faster. */
const maxBatchSize = { cpu: 8, gpu: 64 };

/** The number of concurrent batches: a GPU computes one while the next one is preprocessed. */
export function defaultInstances({ gpu }: DeviceHandle): number {
  return gpu ? 2 : 1;
}

/** A TorchScript module, and the plans of its methods. */
export class PlannedModel {
  readonly maxBatchSize: number;
  /** The plan of `forward`. */
  readonly plan: Plan;
  readonly #plans: Map<Method, Plan>;
  readonly #planning = new Map<Method, Promise<Plan>>();

  private constructor(
    readonly module: ScriptModule,
    private readonly transform: Transform,
    private readonly options: InferenceOptions,
    private readonly device: DeviceHandle,
    /** Decodes JPEGs on the GPU; undefined unless requested by the option `decode`. */
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
   * @param module a module on the CPU, because a plan has its own weights on the device; moved to the device
   *   if it runs without a plan. The caller closes it on failure.
   * @throws OptionError if the method cannot run in the precision
   * @throws DeviceError if the GPU should decode JPEGs but nvJPEG cannot be loaded
   */
  static async open(
    module: ScriptModule,
    transform: Transform,
    options: InferenceOptions,
    device: DeviceHandle,
  ): Promise<PlannedModel> {
    const jpegDecoder = await openJpegDecoder(module, transform, options, device);
    const plan = await createPlan(module, 'forward', transform, options, device);
    return new PlannedModel(module, transform, options, device, jpegDecoder, plan);
  }

  /** Limits on the size of an image and the time to decode it. */
  get limits(): DecodeLimits | undefined {
    return this.options.limits;
  }

  /** Plans a method unless it has a plan. Concurrent calls share one attempt; a failed one is retried. */
  async prepare(method: Method, signal: AbortSignal | undefined): Promise<void> {
    if (this.#plans.has(method)) return;
    let planning = this.#planning.get(method);
    if (!planning) {
      const { module, transform, options, device } = this;
      planning = createPlan(module, method, transform, options, device);
      this.#planning.set(method, planning);
      planning.then(
        (plan) => this.#plans.set(method, plan),
        () => this.#planning.delete(method),
      );
    }
    await rejectOnAbort(signal, planning);
  }

  /** Runs a prepared method on a batch. Passes each output to `consume`, then disposes it. */
  async run(
    method: Method,
    images: readonly (Pixels | EncodedFile)[],
    consume: (output: SubBatchOutput) => Promise<void>,
  ): Promise<void> {
    const startTime = performance.now();
    const isPlanned = this.#plans.get(method)!.kind !== 'interpreter';
    const subBatches = await preprocess(images, {
      executor: this.module.executor,
      transform: this.transform,
      gpu: isPlanned ? this.device.gpu : undefined,
      jpegDecoder: isPlanned ? this.jpegDecoder : undefined,
      limits: this.limits,
    });
    const preprocessed = performance.now();
    try {
      for (const { input, indices } of subBatches) {
        const output = await this.module.call<Tensor<'float32'>>(method, input);
        try {
          const forward = performance.now() - preprocessed;
          const timings = { transform: preprocessed - startTime, forward };
          await consume({ output, indices, timings });
        } finally {
          output.dispose();
        }
      }
    } finally {
      for (const { input } of subBatches) input.dispose();
    }
  }
}

async function createPlan(
  module: ScriptModule,
  method: Method,
  transform: Transform,
  options: InferenceOptions,
  device: DeviceHandle,
): Promise<Plan> {
  const { precision, tolerance, plan } = options;
  if (plan === 'interpreter') {
    if (device.name !== 'cpu') await module.moveToOpenDevice(device);
    return {
      ...{ kind: 'interpreter', device: device.name, precision: 'float32' },
      reason: `It was requested by plan: 'interpreter'.`,
    };
  }
  const createBatch = async () => {
    const { limits } = options;
    const decoding = options.calibration?.map((image) => decode(image, { limits }));
    const images = decoding
      ? await Promise.all(decoding)
      : await deadLeavesImages(syntheticImageCount);
    return await batch(module.executor, images, transform, device.gpu);
  };
  const shape = [3, transform.crop, transform.crop];
  const example = { shape, transform, createBatch };
  return await module.plan(method, example, { precision, tolerance, plan }, device);
}

async function openJpegDecoder(
  { executor }: ScriptModule,
  { interpolation }: Transform,
  { decode = 'cpu', plan }: InferenceOptions,
  { gpu }: DeviceHandle,
): Promise<GpuJpegDecoder | undefined> {
  if (decode === 'cpu') return undefined;
  // The GPU resizes what it decodes, and only bilinearly.
  if (interpolation === 'bicubic') {
    throw invalidValue('decode', `'cpu' for a transform with bicubic interpolation`, decode);
  }
  if (gpu && plan !== 'interpreter') return await GpuJpegDecoder.open(executor, gpu);
  throw invalidValue('decode', `'cpu' unless a plan runs on a GPU`, decode);
}
