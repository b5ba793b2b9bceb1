import type { ExecutorHandle, Handle, InstructionSet, Native, TensorHandle } from '../native';
import type { BatchTransform, DType, ModuleSpec, Pixels, TensorView, Transform } from '../types';
import type { PlanChoices, PlanMeasurements } from './plan-choices';

/** A `torch::jit::Module`, with its device and the plans of its methods. */
export type ModuleHandle = Handle<'ScriptModule'>;

/** A GPU, opened by the CUDA backend library. */
export type GpuHandle = Handle<'Gpu'>;

/** An nvJPEG decoder on a GPU. */
export type JpegDecoderHandle = Handle<'GpuJpegDecoder'>;

/** A module, and the contents of its archive's extra files by name. */
export interface LoadedModule {
  readonly module: ModuleHandle;
  readonly extraFiles: Record<string, Uint8Array>;
}

/** A module in training: its optimizer, and the moving averages of its weights. */
export type TrainerHandle = Handle<'Trainer'>;

/** How a module is trained. */
export interface TrainerSettings {
  readonly optimizer:
    | { readonly name: 'sgd'; readonly momentum: number; readonly nesterov: boolean }
    | {
        readonly name: 'adamw';
        readonly beta1: number;
        readonly beta2: number;
        readonly eps: number;
      };
  /** Parameters in no group are not trained. The learning rate of a group is that of the step times `lrScale`. */
  readonly groups: readonly {
    readonly names: readonly string[];
    readonly lrScale: number;
    readonly weightDecay: number;
  }[];
  /** The submodules that remain in eval mode, by dotted name. */
  readonly evalModules: readonly string[];
  readonly labelSmoothing: number;
  /** The maximum norm of the gradients; 0 if it is not limited. */
  readonly clipNorm: number;
  /** The decay of the moving average of the weights; 0 for none. */
  readonly emaDecay: number;
  /** Whether operators run in bfloat16 where PyTorch's autocast does so. */
  readonly autocast: boolean;
}

/** How the images of a batch are mixed: mixup, or CutMix with a box. */
export interface Mix {
  /** The weight of the image itself; that of its partner is 1 - lambda. */
  readonly lambda: number;
  /** The index of each image's partner. */
  readonly partners: readonly number[];
  /** [y1, x1, y2, x2]: what is copied from the partner. */
  readonly box?: readonly [number, number, number, number];
}

/** How a batch is trained on. */
export interface StepSettings {
  /** The learning rate. */
  readonly lr: number;
  /** Seeds operators such as dropout; an integer from 0 to 2^53 - 1. */
  readonly seed: number;
  /** 1 / the number of batches whose gradients are accumulated. */
  readonly lossScale: number;
  /** Whether the optimizer updates the parameters after this batch. */
  readonly updates: boolean;
  readonly mix?: Mix;
}

/** The result of a batch. */
export interface StepResult {
  readonly loss: number;
  /** The number of images whose largest logit is that of the target. */
  readonly correct: number;
  /** The norm of the gradients before they are clipped; absent unless the batch updates. */
  readonly gradientNorm?: number;
}

/** An argument of a method. */
export interface ArgumentSchema {
  readonly name: string;
  /** The TorchScript type in Python's notation, e.g. `Optional[Tensor]`. */
  readonly type: string;
  /** Whether it must be passed as a keyword argument. */
  readonly keywordOnly: boolean;
  /**
   * The default value; absent if the argument is required. A value without a counterpart in JavaScript is
   * a string in TorchScript's notation.
   */
  readonly default?: unknown;
}

/** The arguments and the result type of a method. */
export interface MethodSchema {
  readonly arguments: readonly ArgumentSchema[];
  /** The type of the result, e.g. `Tuple[Tensor, Tensor]`. */
  readonly returns: string;
}

/** The result of tuning a plan. */
export interface PlanTuning {
  readonly choices: PlanChoices;
  readonly measured: PlanMeasurements;
}

/** A method as data, and how it was planned. */
export interface CompiledNetwork {
  readonly network: Handle<'CompiledNetwork'>;
  /** What the weights are packed for. */
  readonly instructionSet: InstructionSet;
  readonly choices: PlanChoices;
  /** Absent if nothing was measured. */
  readonly measured?: PlanMeasurements;
}

/** The reason why a method has no plan, as a clause without a final period. */
export interface NoPlan {
  readonly reason: string;
}

/** How a GPU plan runs a single image: the fastest of the alternatives that were measured. */
export interface GpuLaunchConfig {
  /** Whether it is launched as a CUDA graph, rather than operator by operator. */
  readonly isGraph: boolean;
  /** Whether cuDNN fuses bias, residual addition and ReLU into the convolutions. */
  readonly isFused: boolean;
  /** The measured time to run one image, in milliseconds. */
  readonly milliseconds: number;
  /** The alternatives that failed and their errors, as text for a message; absent if none failed. */
  readonly failures?: string;
}

/** The functions of LibTorch's addon. Their tensors may be those of either addon. */
export interface TorchNative extends Native {
  /** The LibTorch version that the addon was compiled against, e.g. `2.13.0`. */
  readonly compiledFor: string;

  /** Like `Tensor.to` of PyTorch: shares the memory if the tensor has the device and dtype already. */
  convertTensor(tensor: TensorHandle, device: string, dtype: DType): TensorHandle;
  /** Like `convertTensor`, but on an executor thread, and preserves the dtype. */
  moveTensor(executor: ExecutorHandle, tensor: TensorHandle, device: string): Promise<TensorHandle>;
  /**
   * Loads a TorchScript archive in eval mode, from a path or from bytes. Bytes are read in place and kept
   * alive until the promise settles; they must not be written to or transferred. `dtype` converts the
   * floating-point tensors; `freeze` inlines the weights as constants; `verify` refuses operators that are
   * not known to be harmless. Throws `ERR_SEMISUP_MODEL_FORMAT`, and `ERR_SEMISUP_MODEL_UNSAFE` if it
   * verifies.
   */
  loadModule(
    executor: ExecutorHandle,
    archive: string | Uint8Array,
    device: string,
    dtype: DType | undefined,
    freeze: boolean,
    verify: boolean,
  ): Promise<LoadedModule>;
  loadModuleSync(
    executor: ExecutorHandle,
    archive: string | Uint8Array,
    device: string,
    dtype: DType | undefined,
    freeze: boolean,
    verify: boolean,
  ): LoadedModule;
  /** The schemas of the methods, by name. */
  describeMethods(module: ModuleHandle): Record<string, MethodSchema>;
  /**
   * Calls a method with `ScriptValue`s; returns one. Lists and dicts are copied on the JS thread. With `outputs`, of a
   * method that returns a list or a tuple of tensors, returns those at these indices as an array. `jobId`
   * identifies the call to `cancelJob`; 0 means that the call cannot be canceled. `timeout` is the time in
   * milliseconds that it may run, or 0: after that its promise is rejected with `ERR_SEMISUP_TIMEOUT`.
   */
  callMethod(
    executor: ExecutorHandle,
    module: ModuleHandle,
    method: string,
    args: readonly unknown[],
    kwargs: object,
    outputs: readonly number[] | undefined,
    jobId: number,
    timeout: number,
  ): Promise<unknown>;
  callMethodSync(
    executor: ExecutorHandle,
    module: ModuleHandle,
    method: string,
    args: readonly unknown[],
    kwargs: object,
  ): unknown;
  /**
   * Grad-CAM before ReLU at the layer `layer`, a submodule by its dotted name: the maps [n, h, w], and the logits
   * [n, classes], float32 on the CPU, as two tensors. Runs the TorchScript of `forward` on the module's device,
   * without its plan, and with gradients from the layer on. A negative `classIndex` stands for the largest logit of
   * each image. `jobId` and `timeout` as in `callMethod`. Throws `ERR_SEMISUP_OPTION_VALUE` unless `forward` calls
   * the layer, and it returns [n, c, h, w].
   */
  gradCam(
    executor: ExecutorHandle,
    module: ModuleHandle,
    images: TensorHandle,
    layer: string,
    classIndex: number,
    jobId: number,
    timeout: number,
  ): Promise<unknown>;
  /** The graph of a method in TorchScript's textual IR. */
  methodGraph(executor: ExecutorHandle, module: ModuleHandle, method: string): Promise<string>;
  /**
   * Plans a method for the CPU. Afterwards, calls with one float32 tensor [n, c, h, w] use the plan, which
   * owns a copy of the weights. `images`, float32 [n, c, h, w], calibrate the activations of an int8 plan
   * and are required only for it. Plans with equal signatures accept the same `PlanChoices`.
   */
  planOnCpu(
    executor: ExecutorHandle,
    module: ModuleHandle,
    method: string,
    precision: 'float32' | 'bfloat16' | 'int8',
    images: TensorHandle | undefined,
  ): Promise<{ readonly signature: string } | NoPlan>;
  /** Selects the algorithms of an earlier tuning. The method must have a plan. */
  selectAlgorithms(
    executor: ExecutorHandle,
    module: ModuleHandle,
    method: string,
    choices: PlanChoices,
  ): Promise<void>;
  /**
   * Measures the algorithms with `images`, float32 [n, c, h, w], and selects the fastest. `seconds` is a
   * target; tuning may take a few times as long. Removes the plan if its outputs differ from TorchScript's
   * by more than its tolerance (`ToleranceOf` in binding/program/numerics.h).
   */
  tunePlan(
    executor: ExecutorHandle,
    module: ModuleHandle,
    method: string,
    images: TensorHandle,
    seconds: number,
  ): Promise<PlanTuning | NoPlan>;
  /**
   * The maximum absolute difference between the outputs of the plan and of TorchScript for `images`,
   * [n, c, h, w], divided by the maximum absolute value of TorchScript's; NaN if an output contains NaN.
   */
  comparePlan(
    executor: ExecutorHandle,
    module: ModuleHandle,
    method: string,
    images: TensorHandle,
  ): Promise<number>;
  /**
   * Plans a method for the CPU by kernels alone, and returns the plan as a network for `writeCompiled`; calls do not
   * use it. `images`, float32 [n, c, h, w], calibrate an int8 plan; the outputs for them are compared with
   * TorchScript's as in `tunePlan`. With `choices` nothing is measured, unless they are those of a method with
   * another number of convolutions.
   */
  compileMethod(
    executor: ExecutorHandle,
    module: ModuleHandle,
    method: string,
    precision: 'float32' | 'bfloat16' | 'int8',
    images: TensorHandle,
    choices: PlanChoices | undefined,
    seconds: number,
  ): Promise<CompiledNetwork | NoPlan>;
  /**
   * Writes a compiled model with the networks, and with those of other files. Throws `ERR_SEMISUP_MODEL_WRITE` with
   * the system's reason.
   */
  writeCompiled(
    executor: ExecutorHandle,
    path: string,
    metadata: string,
    networks: readonly Handle<'CompiledNetwork'>[],
    files: readonly string[],
  ): Promise<void>;
  /**
   * Opens the GPU with the given index through the CUDA backend library at the path `library`. Can take
   * seconds, because the driver creates a context. Throws `ERR_SEMISUP_DEVICE_FAILED`.
   */
  openGpu(executor: ExecutorHandle, library: string, index: number): Promise<GpuHandle>;
  openGpuSync(executor: ExecutorHandle, library: string, index: number): GpuHandle;
  /**
   * Plans a method for a GPU; the plan owns a copy of the weights there. Afterwards, calls with one tensor,
   * uint8 [n, h, w, 3] or float32 [n, c, h, w], use the plan and return a tensor on the GPU. uint8 images are
   * normalized according to `transform`. The plan's output for the first of `images`, uint8 [n, h, w, 3], is
   * compared with TorchScript's; returns `NoPlan` if they differ.
   */
  planOnGpu(
    executor: ExecutorHandle,
    module: ModuleHandle,
    method: string,
    gpu: GpuHandle,
    precision: 'float32' | 'tf32' | 'bfloat16' | 'float16',
    images: TensorHandle,
    transform: Transform,
  ): Promise<GpuLaunchConfig | NoPlan>;
  /** Detached parameters and buffers by dotted name; they share the module's memory. */
  namedTensors(
    executor: ExecutorHandle,
    module: ModuleHandle,
    parameters: boolean,
    buffers: boolean,
  ): Promise<Record<string, object>>;
  /** An attribute of the module or, by a dotted name, of a submodule. */
  attribute(executor: ExecutorHandle, module: ModuleHandle, name: string): Promise<unknown>;
  /**
   * Moves the module to a device and converts its floating-point tensors to a dtype, in place; an argument
   * that is undefined leaves that property unchanged. Removes all plans. Runs alone: after all earlier tasks
   * of the executor, and before all later ones.
   */
  convertModule(
    executor: ExecutorHandle,
    module: ModuleHandle,
    device: string | undefined,
    dtype: DType | undefined,
  ): Promise<void>;
  /** Builds a module in eval mode; parameters and buffers are zero. */
  createModule(executor: ExecutorHandle, spec: ModuleSpec): Promise<ModuleHandle>;
  /**
   * Copies a strided view of `data` into a parameter or buffer, e.g. `layer1.0.conv1.weight`. `data` is kept
   * alive until the promise settles; it must not be written to or transferred.
   */
  fillTensor(
    executor: ExecutorHandle,
    module: ModuleHandle,
    name: string,
    data: Uint8Array,
    source: TensorView,
  ): Promise<void>;
  /** Writes a TorchScript archive to `path`. Throws `ERR_SEMISUP_MODEL_WRITE`. */
  saveModule(
    executor: ExecutorHandle,
    module: ModuleHandle,
    path: string,
    extraFiles: Readonly<Record<string, Uint8Array>>,
  ): Promise<void>;

  /**
   * Rotates features, float32 [n, d], to their r = min(n, d) principal axes around their mean. Returns tensors in
   * float64: coordinates [n, r], variances [r], axes [d, r] and the mean [d]. `jobId` as in `callMethod`; an
   * abort takes effect between the steps.
   */
  principalAxes(executor: ExecutorHandle, features: TensorHandle, jobId: number): Promise<unknown>;
  /**
   * Minimizes the objective of scikit-learn's `LogisticRegression`: `0.5 * ||weight||^2 + c * sum(w_i * loss_i)`, with
   * the squared norm doubled for two classes. The first tensors are those of `principalAxes`; `labels` are int64
   * [n], `sampleWeights` the w_i, float64 [n]. `startWeight` [classes, d] and `startIntercept` [classes] are where it
   * starts, by default zero. Ends when the largest element of the gradient is at most `tolerance`, on axes where the
   * objective divided by `c * sum(w_i)` has a curvature of about 1. Returns weight [classes, d], intercept [classes],
   * the logits of all samples [n, classes] and their losses [n], float64; the objective; that element; and the number
   * of evaluations, between which an abort takes effect.
   */
  fitLogisticRegression(
    executor: ExecutorHandle,
    coordinates: TensorHandle,
    variances: TensorHandle,
    axes: TensorHandle,
    mean: TensorHandle,
    labels: TensorHandle,
    sampleWeights: TensorHandle,
    classes: number,
    c: number,
    tolerance: number,
    startWeight: TensorHandle | undefined,
    startIntercept: TensorHandle | undefined,
    jobId: number,
  ): Promise<unknown>;

  /** Like `batchImages`, but returns uint8 [n * views, crop, crop, 3] in pinned memory; the GPU normalizes it. */
  batchImagesForGpu(
    executor: ExecutorHandle,
    images: readonly Pixels[],
    transform: BatchTransform,
    gpu: GpuHandle,
  ): Promise<TensorHandle>;
  /** Opens nvJPEG on a GPU, from the first of the paths in `libraries` that loads. */
  openJpegDecoder(
    executor: ExecutorHandle,
    gpu: GpuHandle,
    libraries: readonly string[],
  ): Promise<JpegDecoderHandle>;
  /**
   * Decodes, resizes and crops JPEG files into uint8 [n * views, crop, crop, 3] on the GPU. `failed` contains the
   * indices of the files that could not be decoded and are omitted; `images` is absent if all failed. The
   * bytes are kept alive until the promise settles; they must not be written to or transferred.
   */
  decodeJpegs(
    executor: ExecutorHandle,
    decoder: JpegDecoderHandle,
    files: readonly Uint8Array[],
    transform: BatchTransform,
  ): Promise<{ readonly images?: TensorHandle; readonly failed: readonly number[] }>;

  /**
   * Prepares a module for training, in place: training mode, channels-last weights, gradients of the parameters in the
   * groups alone. Until it is no longer used, nothing else may use the module.
   */
  createTrainer(
    executor: ExecutorHandle,
    module: ModuleHandle,
    settings: TrainerSettings,
  ): Promise<TrainerHandle>;
  /**
   * Trains on a batch: images float32 [n, c, h, w]; targets int64 [n], or probabilities float32 [n, classes]. If the
   * loss or the norm of the gradients is not finite, the parameters do not change.
   */
  trainStep(
    executor: ExecutorHandle,
    trainer: TrainerHandle,
    images: TensorHandle,
    targets: TensorHandle,
    settings: StepSettings,
  ): Promise<StepResult>;
  /**
   * All tensors that training changes, which share its memory: `model.<name>` for parameters and buffers,
   * `optimizer.<kind>.<parameter>`, and `ema.<name>`.
   */
  trainerState(executor: ExecutorHandle, trainer: TrainerHandle): Promise<Record<string, object>>;
  /** Copies a strided view of `data` into one of the tensors of `trainerState`, as `fillTensor` does. */
  restoreTrainer(
    executor: ExecutorHandle,
    trainer: TrainerHandle,
    name: string,
    data: Uint8Array,
    source: TensorView,
  ): Promise<void>;
  /** A copy of the module on the CPU, in eval mode; with `useEma`, with the moving averages of its weights if there are any. */
  copyTrained(
    executor: ExecutorHandle,
    trainer: TrainerHandle,
    useEma: boolean,
  ): Promise<ModuleHandle>;
}
