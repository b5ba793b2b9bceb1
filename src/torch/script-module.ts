import { asyncDispose } from '../dispose';
import { ScriptError } from '../errors';
import {
  checkCloseOptions,
  type CloseOptions,
  type ExecutorOptions,
  rejectOnAbort,
  type Tensor,
  type DeviceName,
  type Priority,
} from '../native';
import {
  abbreviate,
  checkOptionNames,
  checkSignal,
  invalidArgument,
  invalidValue,
  nearest,
} from '../options';
import type { DType, ModuleSpec, TensorView } from '../types';
import { toArchive, toArchiveSync, writeFileAtomically, type ArchiveSource } from './archive';
import { checkDeviceName, openDevice, openDeviceSync, type DeviceHandle } from './device';
import { writeCompiledModel, type CompileRequest } from './compile';
import { checkCallOptions, type CallOptions } from './call-options';
import { openExecutor, openExecutorSync, type TorchExecutor } from './executor';
import { decodeExtraFiles, encodeExtraFiles, type ExtraFiles } from './extra-files';
import { explainLoadError, explainLoadErrorSync } from './load-error';
import type { LoadedModule, MethodSchema, ModuleHandle, TrainerSettings } from './native';
import { createPlan } from './plan';
import type { PlanOptions } from './plan-options';
import type { Plan, PlanExample } from './plan-request';
import {
  sizeOfTensors,
  splitArguments,
  type KeywordArguments,
  type ScriptValue,
} from './script-value';
import { Trainer } from './trainer';

const floatDTypes = ['float32', 'float64', 'float16', 'bfloat16'] as const satisfies DType[];

/** A floating-point dtype of a module's parameters and buffers. */
export type FloatDType = (typeof floatDTypes)[number];

/** Options of `ScriptModule.load`. */
export interface ScriptModuleOptions extends ExecutorOptions {
  /** The device that the module runs on; `'auto'` by default. */
  readonly device?: DeviceName;
  /** The dtype that floating-point parameters and buffers are converted to; unchanged by default. */
  readonly dtype?: FloatDType;
  /**
   * Freezes the module, as `torch.jit.freeze` does: inlines the weights as constants, which makes
   * calls faster; `false` by default.
   */
  readonly freeze?: boolean;
  /**
   * Reads the code of the archive before any of it runs, and refuses it if it names anything but operators
   * that compute with tensors: no files, other processes, custom classes or `__setstate__`. `false` by default.
   * What it does not prevent: docs/security.md.
   */
  readonly verify?: boolean;
  /** Aborts loading: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

const optionNames = Object.keys({
  ...{ device: true, dtype: true, freeze: true, verify: true, signal: true },
  ...{ threads: true, instances: true, callTimeout: true, queue: true },
} satisfies Record<keyof ScriptModuleOptions, true>);

/** The names of attributes in error messages of LibTorch are not abbreviated. */
const maxNameLength = 1000;

let lastJobId = 0;

/** Maps [n, h, w] before ReLU, and logits [n, classes]. */
export type GradCam = readonly [maps: Tensor<'float32'>, logits: Tensor<'float32'>];

/** A TorchScript module, which runs on its own threads. */
export class ScriptModule implements AsyncDisposable {
  /** @internal */
  readonly executor: TorchExecutor;
  /** The archive's extra files, by name: a string if the content is valid UTF-8, otherwise its bytes. */
  readonly extraFiles: ExtraFiles;
  /** The schemas of the methods, by name. */
  readonly methods: Readonly<Record<string, MethodSchema>>;
  readonly #handle: ModuleHandle;

  private constructor(executor: TorchExecutor, { module, extraFiles }: LoadedModule) {
    this.executor = executor;
    this.extraFiles = decodeExtraFiles(extraFiles);
    this.methods = executor.native.describeMethods(module);
    this.#handle = module;
  }

  /**
   * Loads a TorchScript archive, as written by `torch.jit.save`, in eval mode. Bytes are read in place
   * while the promise is pending: do not write to them or transfer them until it settles.
   *
   * @param source a path or file URL, the bytes of a file, or a stream of them
   * An archive is a program: parts of it may run while it is loaded. For one that you do not trust, see
   * `verify`, and run it in a process of its own.
   *
   * @throws ModelError if the file is missing or is not TorchScript, in which case the message names its
   *   format if it is known; if it is damaged, or is nested or compressed beyond all bounds; if `verify`
   *   refuses it; or if the stream fails
   * @throws DeviceError if the device is not available
   * @throws OptionError if an option is unknown or has an invalid value
   */
  static async load(
    source: ArchiveSource,
    options: ScriptModuleOptions = {},
  ): Promise<ScriptModule> {
    return await ScriptModule.loadWithPriority(source, options, 'normal');
  }

  /** Like `load`, on threads of a priority. @internal */
  static async loadWithPriority(
    source: ArchiveSource,
    options: ScriptModuleOptions,
    priority: Priority,
  ): Promise<ScriptModule> {
    const checked = checkOptions(options, 'ScriptModule.load');
    const { signal } = options;
    signal?.throwIfAborted();
    const loading = ScriptModule.#open(source, options, checked, priority);
    return await rejectOnAbort(signal, loading, () => {
      // Loading may still succeed after the abort. Nothing else refers to the module then: close it.
      loading.then(
        (module) => module.close(),
        () => undefined,
      );
    });
  }

  static async #open(
    source: ArchiveSource,
    options: ScriptModuleOptions,
    { dtype, freeze, verify }: CheckedOptions,
    priority: Priority,
  ): Promise<ScriptModule> {
    const reading = toArchive(source, options.signal);
    // The device is awaited first, so that its errors take precedence. `reading` may reject in the
    // meantime: mark its rejection as handled.
    reading.catch(() => undefined);
    const device = (await openDevice(options.device)).name;
    const archive = await reading;
    const executor = await openExecutor(options, priority);
    const { native, handle } = executor;
    try {
      const loading = native.loadModule(
        ...[handle, archive.content, device, dtype, freeze, verify],
      );
      const loaded = await executor.abandonOnAbort(options.signal, loading);
      return new ScriptModule(executor, loaded);
    } catch (error) {
      await executor.close();
      throw await explainLoadError(error, archive);
    }
  }

  /** Like `load`, but blocks, and does not accept a stream. */
  static loadSync(
    source: Exclude<ArchiveSource, NodeJS.ReadableStream>,
    options: Omit<ScriptModuleOptions, 'signal'> = {},
  ): ScriptModule {
    const { dtype, freeze, verify } = checkOptions(options, 'ScriptModule.loadSync');
    const device = openDeviceSync(options.device).name;
    const archive = toArchiveSync(source);
    const executor = openExecutorSync(options);
    try {
      const { native, handle } = executor;
      const loaded = native.loadModuleSync(
        ...[handle, archive.content, device, dtype, freeze, verify],
      );
      return new ScriptModule(executor, loaded);
    } catch (error) {
      void executor.close();
      throw explainLoadErrorSync(error, archive);
    }
  }

  /**
   * Builds a module from its description; parameters and buffers are zero until they are filled.
   *
   * @param options.extraFiles as in a loaded archive; none by default
   * @throws ScriptError if the source does not compile
   * @internal
   */
  static async create(
    spec: ModuleSpec,
    { extraFiles = {}, ...options }: ExecutorOptions & { extraFiles?: ExtraFiles } = {},
  ): Promise<ScriptModule> {
    const executor = await openExecutor(options);
    try {
      const module = await executor.native.createModule(executor.handle, spec);
      return new ScriptModule(executor, { module, extraFiles: encodeExtraFiles(extraFiles) });
    } catch (error) {
      await executor.close();
      throw error;
    }
  }

  /**
   * Copies a strided view of `bytes` into a parameter or buffer. The bytes are read while the promise is
   * pending: do not write to them or transfer them until it settles.
   *
   * @param name dotted, e.g. `layer1.0.conv1.weight`
   * @throws TensorError if the shape is not the parameter's, or the view exceeds the bytes
   * @internal
   */
  async fill(name: string, bytes: Uint8Array, view: TensorView): Promise<void> {
    await this.executor.native.fillTensor(this.executor.handle, this.#handle, name, bytes, view);
  }

  /**
   * Calls `forward`. Pass keyword arguments as `{ kwargs: { … } }` after all others. If the module is on
   * a GPU, CPU tensors are copied there, including those in lists and dicts; returned tensors stay on the
   * GPU.
   *
   * @throws ScriptError if the arguments do not match the method's schema, or TorchScript raises
   * @throws DisposedError after `close()`
   */
  async forward<Result extends ScriptValue = Tensor>(
    ...args: (ScriptValue | KeywordArguments)[]
  ): Promise<Result> {
    return await this.call<Result>('forward', ...args);
  }

  /** Like `forward`, but blocks. */
  forwardSync<Result extends ScriptValue = Tensor>(
    ...args: (ScriptValue | KeywordArguments)[]
  ): Result {
    return this.callSync<Result>('forward', ...args);
  }

  /**
   * Calls a method by name, with its arguments listed one by one, otherwise like `forward`; to pass a
   * `signal`, use {@link ScriptModule.invoke}, which takes the arguments as an array.
   */
  async call<Result extends ScriptValue = Tensor>(
    method: string,
    ...args: (ScriptValue | KeywordArguments)[]
  ): Promise<Result> {
    return await this.invoke<Result>(method, args);
  }

  /** Like `call`, but blocks. */
  callSync<Result extends ScriptValue = Tensor>(
    method: string,
    ...args: (ScriptValue | KeywordArguments)[]
  ): Result {
    const { native, handle } = this.executor;
    this.#checkMethod(method);
    const [positional, named] = splitArguments(args);
    return native.callMethodSync(handle, this.#handle, method, positional, named) as Result;
  }

  /**
   * Like {@link ScriptModule.call}, but takes the arguments as an array, followed by options: a `signal`
   * that cancels the call.
   *
   * @throws BusyError if too many calls are pending
   */
  async invoke<Result extends ScriptValue = Tensor>(
    method: string,
    args: readonly (ScriptValue | KeywordArguments)[],
    options: CallOptions = {},
  ): Promise<Result> {
    checkCallOptions(options);
    const { signal } = options;
    this.#checkMethod(method);
    const [positional, named] = splitArguments(args);
    return await this.executor.queue.run(sizeOfTensors([positional, named]), () =>
      this.#enqueue<Result>(method, positional, named, undefined, signal),
    );
  }

  /**
   * Calls a method that returns a list or a tuple of tensors for those at `outputs` alone: its plan does not compute
   * what only the others need.
   *
   * @internal
   */
  async invokeOutputs(
    method: string,
    images: Tensor,
    outputs: readonly number[],
  ): Promise<Tensor<'float32'>[]> {
    this.#checkMethod(method);
    return await this.executor.queue.run(images.byteLength, () =>
      this.#enqueue<Tensor<'float32'>[]>(method, [images], {}, outputs),
    );
  }

  async #enqueue<Result>(
    method: string,
    positional: readonly unknown[],
    named: object,
    outputs: readonly number[] | undefined,
    signal?: AbortSignal,
  ): Promise<Result> {
    const { native, handle, callTimeout } = this.executor;
    const jobId = ++lastJobId;
    const called = native.callMethod(
      ...([handle, this.#handle, method, positional, named, outputs, jobId, callTimeout] as const),
    );
    return await rejectOnAbort(signal, called as Promise<Result>, () => {
      native.cancelJob(handle, jobId);
    });
  }

  /**
   * Computes the maps and the logits of `TorchNative.gradCam`, which the caller disposes.
   *
   * @param index that of the class; by default that of the largest logit of each image
   * @throws OptionError unless `forward` calls the layer, and it returns maps
   * @internal
   */
  async gradCam(images: Tensor, layer: string, index = -1): Promise<GradCam> {
    const { native, handle, callTimeout, queue } = this.executor;
    return await queue.run(images.byteLength, async () => {
      const maps = native.gradCam(
        ...([handle, this.#handle, images.handle, layer, index, ++lastJobId, callTimeout] as const),
      );
      return (await maps) as GradCam;
    });
  }

  /**
   * Creates an execution plan for a method; calls with one float32 tensor [n, c, h, w] then use it. Unless
   * `plan` is `'untuned'`, its algorithms are the fastest measured on this machine. The plan copies the
   * current weights: later changes do not affect it.
   *
   * @internal
   */
  async plan(
    method: string,
    example: PlanExample,
    options: PlanOptions,
    device: DeviceHandle = { name: 'cpu' },
  ): Promise<Plan> {
    const { executor } = this;
    return await createPlan({ executor, module: this.#handle, method, example, device }, options);
  }

  /**
   * Writes methods as a compiled model, which runs without LibTorch. The calls of this module do not use it.
   *
   * @throws ModelError if a method cannot be compiled, or the file cannot be written
   * @internal
   */
  async compile(path: string, request: CompileRequest): Promise<void> {
    await writeCompiledModel(this.executor, this.#handle, path, request);
  }

  /**
   * Prepares the module for training. Until the trainer is no longer used, nothing else may use the module; closing
   * the module ends both.
   *
   * @internal
   */
  async trainer(settings: TrainerSettings): Promise<Trainer<ScriptModule>> {
    return await Trainer.create(this.executor, this.#handle, settings, async (module) => {
      const executor = await openExecutor({ threads: this.executor.threads || undefined });
      return new ScriptModule(executor, { module, extraFiles: encodeExtraFiles(this.extraFiles) });
    });
  }

  /** The parameters by dotted name; the tensors share the module's memory. */
  async parameters(): Promise<Record<string, Tensor>> {
    return await this.#tensors(true, false);
  }

  /** The buffers by dotted name; the tensors share the module's memory. */
  async buffers(): Promise<Record<string, Tensor>> {
    return await this.#tensors(false, true);
  }

  /** The parameters, then the buffers, by dotted name; the tensors share the module's memory. */
  async stateDict(): Promise<Record<string, Tensor>> {
    return await this.#tensors(true, true);
  }

  /**
   * Reads an attribute of the module or, by a dotted name, of a submodule.
   *
   * @throws ScriptError if it does not exist, or its type has no counterpart in JavaScript
   */
  async attribute<Result extends ScriptValue = ScriptValue>(name: string): Promise<Result> {
    if (typeof name !== 'string' || name.length > maxNameLength) {
      throw invalidArgument(
        'the name of an attribute',
        `a string of at most ${maxNameLength} characters`,
        name,
      );
    }
    const { native, handle } = this.executor;
    return (await native.attribute(handle, this.#handle, name)) as Result;
  }

  /** The graph of a method in TorchScript's textual IR, for debugging. */
  async graph(method = 'forward'): Promise<string> {
    this.#checkMethod(method);
    const { native, handle } = this.executor;
    return await native.methodGraph(handle, this.#handle, method);
  }

  /**
   * Moves the module to a device and converts its floating-point tensors to a dtype, in place. Runs
   * after all earlier calls and before all later ones, for any number of `instances`.
   *
   * @returns this module
   * @throws OptionError if an option is unknown or has an invalid value
   * @throws DeviceError if the device is not available, or is out of memory
   */
  async to(target: { device?: DeviceName; dtype?: FloatDType } = {}): Promise<this> {
    checkOptionNames(target, ['device', 'dtype'], 'to');
    const dtype = checkDType(target.dtype);
    const device = target.device === undefined ? undefined : await openDevice(target.device);
    const { native, handle } = this.executor;
    await native.convertModule(handle, this.#handle, device?.name, dtype);
    return this;
  }

  /** Like `to`, with a device that is already open. @internal */
  async moveToOpenDevice({ name }: DeviceHandle): Promise<void> {
    const { native, handle } = this.executor;
    await native.convertModule(handle, this.#handle, name, undefined);
  }

  /**
   * Saves the module as a TorchScript archive. The file is written atomically.
   *
   * @param options.extraFiles the contents of extra files, by name: strings, written as UTF-8, or bytes; by
   *   default those of this module, unchanged
   * @throws ModelError if the file cannot be written
   * @throws OptionError if the path or the extra files are of the wrong type
   */
  async save(path: string | URL, options: { extraFiles?: ExtraFiles } = {}): Promise<void> {
    checkOptionNames(options, ['extraFiles'], 'save');
    const { extraFiles: given = this.extraFiles } = options;
    const extraFiles = encodeExtraFiles(given);
    const { native, handle } = this.executor;
    await writeFileAtomically(path, (temporary) =>
      native.saveModule(handle, this.#handle, temporary, extraFiles),
    );
  }

  /**
   * Refuses new calls, waits for pending ones, then frees the module. Idempotent.
   *
   * @throws ScriptError `ERR_SEMISUP_TIMEOUT` if calls are still running after `timeout`
   */
  async close(options: CloseOptions = {}): Promise<void> {
    checkCloseOptions(options);
    await this.executor.close(this.#handle, options);
  }

  /** Same as `close()`. */
  async [asyncDispose](): Promise<void> {
    await this.close();
  }

  #checkMethod(method: unknown): void {
    if (typeof method !== 'string') {
      throw invalidArgument('the name of a method', 'a string', method);
    }
    if (Object.hasOwn(this.methods, method)) return;
    const known = Object.keys(this.methods);
    const guess = nearest(method, known);
    throw new ScriptError('ERR_SEMISUP_SCRIPT_ARGUMENT', {
      what: `The module has no method '${abbreviate(method)}'.`,
      remedy: guess ? `Did you mean '${guess}'?` : `Call one of ${known.join(', ')}.`,
      value: method,
    });
  }

  async #tensors(parameters: boolean, buffers: boolean): Promise<Record<string, Tensor>> {
    const { native, handle } = this.executor;
    const tensors = await native.namedTensors(handle, this.#handle, parameters, buffers);
    return tensors as Record<string, Tensor>;
  }
}

interface CheckedOptions {
  readonly dtype: FloatDType | undefined;
  readonly freeze: boolean;
  readonly verify: boolean;
}

function checkOptions(options: ScriptModuleOptions, where: string): CheckedOptions {
  checkOptionNames(options, optionNames, where);
  const { freeze = false, verify = false } = options;
  if (typeof freeze !== 'boolean') throw invalidValue('freeze', 'true or false', freeze);
  if (typeof verify !== 'boolean') throw invalidValue('verify', 'true or false', verify);
  checkSignal(options.signal);
  checkDeviceName(options.device);
  return { dtype: checkDType(options.dtype), freeze, verify };
}

function checkDType(dtype: FloatDType | undefined): FloatDType | undefined {
  if (dtype === undefined || floatDTypes.includes(dtype)) return dtype;
  throw invalidValue('dtype', `one of '${floatDTypes.join(`', '`)}'`, dtype);
}
