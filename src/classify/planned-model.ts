import { isDeepStrictEqual } from 'node:util';
import { batch, decode, type DecodeLimits, type EncodedFile } from '../image';
import { CompiledModule } from '../compiled';
import { ModelError, OptionError } from '../errors';
import { metadataFile, parseMetadata } from '../models';
import { imagenetTransform } from '../models/transform';
import { invalidValue } from '../options';
import { rejectOnAbort, type Executor, type Tensor } from '../native';
import {
  GpuJpegDecoder,
  type DeviceHandle,
  type GpuHandle,
  type CompileRequest,
  type Plan,
  type ScriptModule,
} from '../torch';
import type { Pixels, Transform, Views } from '../types';
import type { CallableModule } from './callable-module';
import { createPlan, exampleOf, methodNames, type Method } from './create-plan';
import type { IsolatedModule } from './isolated-module';
import { indexOfLargest, type RawHeatMap } from './heat-map';
import { copyImages } from './image-list';
import { LayerFailure } from './layer-error';
import type { Timings } from './prediction';
import { preprocess } from './preprocess';
import type { InferenceOptions } from './model-options';

/** The outputs of a method for the images of a sub-batch. */
export interface SubBatchOutput {
  readonly outputs: readonly Tensor<'float32'>[];
  /** The position of each image in the batch. */
  readonly indices: readonly number[];
  readonly timings: Omit<Timings, 'decode'>;
}

/** What to run on a batch. */
interface MethodCall {
  readonly method: Method;
  readonly views: Views;
  /** The indices of the outputs, of a method that returns several. */
  readonly selected?: readonly number[];
}

/** The maximum batch size: larger batches use more memory and are not faster. */
const maxBatchSize = { cpu: 8, gpu: 64 };

/** The number of concurrent batches: a GPU computes one while the next one is preprocessed. */
export function defaultInstances({ gpu }: DeviceHandle): number {
  return gpu ? 2 : 1;
}

/** How a module is planned, and what preprocesses its images. */
interface ModelContext {
  readonly module: CallableModule;
  readonly transform: Transform;
  readonly options: InferenceOptions;
  readonly maxBatchSize: number;
  /** A GPU that normalizes the images itself; of an isolated model, its own process opens the GPU. */
  readonly gpu?: GpuHandle;
  /** Decodes JPEGs on the GPU; undefined unless requested by the option `decode`. */
  readonly jpegDecoder?: GpuJpegDecoder;
  readonly createPlan: (method: Method) => Promise<Plan>;
  /** Writes a compiled model of all methods; undefined for an isolated module. */
  readonly compile?: (path: string, request: ModelCompileRequest) => Promise<void>;
}

/** What a compiled model is made of, besides the methods and the images of a model. */
export type ModelCompileRequest = Omit<CompileRequest, 'methods' | 'example'>;

/** A TorchScript module, and the plans of its methods. */
export class PlannedModel {
  /** The plan of `forward`. */
  readonly plan: Plan;
  readonly #context: ModelContext;
  readonly #plans: Map<Method, Plan>;
  readonly #planning = new Map<Method, Promise<Plan>>();

  private constructor(context: ModelContext, plan: Plan) {
    this.#context = context;
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
    const { gpu } = device;
    const calibration = calibrationLoader(module.executor, transform, options, gpu);
    const plan = (method: Method) =>
      createPlan(module, method, transform, options, device, calibration);
    const compile = async (path: string, request: ModelCompileRequest) => {
      const methods = methodNames.filter((method) => method in module.methods);
      const onCpu = calibrationLoader(module.executor, transform, options, undefined);
      const example = exampleOf(module, transform, { name: 'cpu' }, onCpu);
      await module.compile(path, { ...request, methods, example });
    };
    const context: ModelContext = {
      ...{ module, transform, options, gpu, createPlan: plan, compile },
      maxBatchSize: gpu ? maxBatchSize.gpu : maxBatchSize.cpu,
      jpegDecoder: await openJpegDecoder(module, transform, options, device),
    };
    return new PlannedModel(context, await plan('forward'));
  }

  /**
   * Plans `forward` of a module in a child process. The caller closes it on failure.
   *
   * @throws OptionError if the method cannot run in the precision
   */
  static async openIsolated(
    module: IsolatedModule,
    transform: Transform,
    options: InferenceOptions,
  ): Promise<PlannedModel> {
    const calibration = calibrationLoader(module.executor, transform, options, undefined);
    const plan = (method: Method) => module.plan(method, transform, options, calibration);
    const context: ModelContext = {
      ...{ module, transform, options, createPlan: plan },
      maxBatchSize: module.isOnGpu ? maxBatchSize.gpu : maxBatchSize.cpu,
    };
    return new PlannedModel(context, await plan('forward'));
  }

  /** A compiled model. @throws ModelError if it was compiled without `forward` */
  static openCompiled(
    module: CompiledModule,
    transform: Transform,
    options: InferenceOptions,
  ): PlannedModel {
    const forward = module.planOf('forward');
    // eslint-disable-next-line @typescript-eslint/require-await
    const plan = async (method: Method) => module.planOf(method);
    const compile = async (path: string, { name, precision, files = [] }: ModelCompileRequest) => {
      if (!hasTransform(module, transform)) {
        throw new ModelError('ERR_SEMISUP_MODEL_KIND', {
          what: `${name} is open as a compiled model with another transform than that of its file, which cannot be replaced.`,
          remedy: `Compile its TorchScript: open that file, or a model of the hub with plan: 'untuned'.`,
          value: name,
        });
      }
      if (precision === forward.precision && files.length === 0) {
        await module.copyTo(path);
        return;
      }
      throw new ModelError('ERR_SEMISUP_MODEL_KIND', {
        what: `${name} is open as a compiled model in ${forward.precision}, which cannot be compiled in ${precision}.`,
        remedy: `Compile its TorchScript: open that file, or a model of the hub with plan: 'untuned'.`,
        value: precision,
      });
    };
    const context: ModelContext = {
      ...{ module, transform, options, createPlan: plan, compile },
      maxBatchSize: maxBatchSize.cpu,
    };
    return new PlannedModel(context, forward);
  }

  /**
   * Writes all methods as a compiled model.
   *
   * @throws ModelError if the model cannot be compiled, or the file cannot be written
   */
  async compile(path: string, request: ModelCompileRequest): Promise<void> {
    const { compile } = this.#context;
    if (compile) {
      await compile(path, request);
      return;
    }
    throw new ModelError('ERR_SEMISUP_MODEL_KIND', {
      what: `${request.name} cannot be compiled, because it runs in another process.`,
      remedy: 'Open it without `isolate`.',
      value: request.name,
    });
  }

  get module(): CallableModule {
    return this.#context.module;
  }

  get maxBatchSize(): number {
    return this.#context.maxBatchSize;
  }

  /** Whether the GPU decodes JPEGs. */
  get decodesJpegs(): boolean {
    return this.#context.jpegDecoder !== undefined;
  }

  /** Limits on the size of an image and the time to decode it. */
  get limits(): DecodeLimits | undefined {
    return this.#context.options.limits;
  }

  /** The shorter side that a JPEG keeps when it is shrunk while it is decoded; undefined if none is shrunk. */
  get minSide(): number | undefined {
    const { options, transform } = this.#context;
    return minSideOf(options, transform);
  }

  /** Plans a method unless it has a plan. Concurrent calls share one attempt; a failed one is retried. */
  async prepare(method: Method, signal: AbortSignal | undefined): Promise<void> {
    if (this.#plans.has(method)) return;
    let planning = this.#planning.get(method);
    if (!planning) {
      planning = this.#context.createPlan(method);
      this.#planning.set(method, planning);
      planning.then(
        (plan) => this.#plans.set(method, plan),
        () => this.#planning.delete(method),
      );
    }
    await rejectOnAbort(signal, planning);
  }

  /**
   * Runs a prepared method on the views of a batch. Passes the outputs of each sub-batch, which have one row per view,
   * to `consume`, then disposes them.
   */
  async run(
    { method, views, selected }: MethodCall,
    images: readonly (Pixels | EncodedFile)[],
    consume: (output: SubBatchOutput) => Promise<void>,
  ): Promise<void> {
    const startTime = performance.now();
    const isPlanned = this.#plans.get(method)!.kind !== 'interpreter';
    const { module, transform, gpu, jpegDecoder } = this.#context;
    const subBatches = await preprocess(images, {
      executor: module.executor,
      transform: { ...transform, views },
      gpu: isPlanned ? gpu : undefined,
      jpegDecoder: isPlanned ? jpegDecoder : undefined,
      limits: this.limits,
      minSide: this.minSide,
    });
    const preprocessed = performance.now();
    try {
      for (const { input, indices } of subBatches) {
        const outputs = selected
          ? await module.invokeOutputs(method, input, selected)
          : [await module.invoke<Tensor<'float32'>>(method, [input])];
        try {
          const forward = performance.now() - preprocessed;
          const timings = { transform: preprocessed - startTime, forward };
          await consume({ outputs, indices, timings });
        } finally {
          for (const output of outputs) output.dispose();
        }
      }
    } finally {
      for (const { input } of subBatches) input.dispose();
    }
  }

  /**
   * Computes the heat map of an image from the gradients at a layer (`ScriptModule.gradCam`).
   *
   * @param index that of the class; by default that of the largest logit
   * @throws LayerFailure if `forward` does not call the layer
   */
  async gradCam(image: Pixels, layer: string, index: number | undefined): Promise<RawHeatMap> {
    const { module, transform } = this.#context;
    const input = await batch(module.executor, [image], transform);
    try {
      const [maps, scores] = await module.gradCam!(input, layer, index);
      try {
        const [, height = 0, width = 0] = maps.shape;
        const [values, logits] = [await maps.data(), await scores.data()];
        return { values, width, height, logits, index: index ?? indexOfLargest(logits) };
      } finally {
        maps.dispose();
        scores.dispose();
      }
    } catch (error) {
      throw error instanceof OptionError ? new LayerFailure(error) : error;
    } finally {
      input.dispose();
    }
  }
}

/** Whether the metadata of a compiled model state this transform. */
function hasTransform({ extraFiles }: CompiledModule, transform: Transform): boolean {
  const text = extraFiles[metadataFile];
  if (text === undefined) return false;
  const stored = parseMetadata(text, metadataFile).transform;
  return isDeepStrictEqual({ ...imagenetTransform, ...stored }, transform);
}

/** How much larger than the transform's size a shrunk image stays, so that its resize averages pixels. */
const shrinkMargin = 2;

function minSideOf({ shrinkOnLoad }: InferenceOptions, { resize }: Transform): number | undefined {
  return shrinkOnLoad === true ? shrinkMargin * resize : undefined;
}

/** A function that loads the option `calibration` as one batch; undefined without that option. */
function calibrationLoader(
  executor: Executor,
  transform: Transform,
  options: InferenceOptions,
  gpu: GpuHandle | undefined,
): (() => Promise<Tensor>) | undefined {
  const { calibration, limits } = options;
  if (!calibration) return undefined;
  const minSide = minSideOf(options, transform);
  return async () => {
    const images = await Promise.all(
      copyImages(calibration).map((image) => decode(image, { limits, minSide })),
    );
    return await batch(executor, images, transform, gpu);
  };
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
