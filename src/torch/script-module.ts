import { ScriptError } from '../errors';
import { checkOptionNames, checkSignal, nearest, readFrom, invalidValue } from '../options';
import type { DType, ModuleSpec, TensorView } from '../types';
import { whenAborted } from './abort';
import { toArchive, toArchiveSync, withName, writeArchive, type ArchiveSource } from './archive';
import {
  checkDeviceName,
  openDevice,
  openDeviceSync,
  type DeviceName,
  type OpenDevice,
} from './device';
import { Executor, type ExecutorOptions } from './executor';
import type { LoadedModule, MethodSchema, ModuleHandle } from './native';
import { makePlan } from './plan';
import type { PlanOptions } from './plan-options';
import type { Plan, PlanExample } from './plan-request';
import type { Tensor } from './tensor';
import { splitArguments, type Keywords, type Value } from './value';

const floatDTypes = ['float32', 'float64', 'float16', 'bfloat16'] as const satisfies DType[];

/** A dtype that the weights of a module may have. */
export type FloatDType = (typeof floatDTypes)[number];

/** Options of `ScriptModule.load`. */
export interface ScriptModuleOptions extends ExecutorOptions {
  /** Where it runs; `'auto'` by default. */
  readonly device?: DeviceName;
  /** What its floating point parameters and buffers are converted to; by default they stay. */
  readonly dtype?: FloatDType;
  /** Makes its weights constants, which is faster, as `torch.jit.freeze`; off by default. */
  readonly freeze?: boolean;
  /** Rejects the call with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Options of a call. */
export interface CallOptions {
  /** Takes the call out of the queue; one that runs already is finished, and its result dropped. */
  readonly signal?: AbortSignal;
}

const optionNames = ['device', 'dtype', 'freeze', 'threads', 'instances', 'signal'];

let lastTicket = 0;

/** A TorchScript module, which runs on threads of its own. */
export class ScriptModule implements AsyncDisposable {
  /** The threads that it runs on. @internal */
  readonly executor: Executor;
  /** The extra files of its archive, by name, as texts. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What its methods take and give, by name. */
  readonly methods: Readonly<Record<string, MethodSchema>>;
  readonly #handle: ModuleHandle;

  private constructor(executor: Executor, { module, extraFiles }: LoadedModule) {
    this.executor = executor;
    this.metadata = extraFiles;
    this.methods = executor.native.describeMethods(module);
    this.#handle = module;
  }

  /**
   * Loads a TorchScript archive, as `torch.jit.save` writes it, in eval mode. Bytes are read in place
   * while the promise is pending: do not write to them or transfer them.
   *
   * @param source a path or file URL, the bytes of a file, or a stream of them
   * @throws ModelError if the file is missing or no TorchScript, or the stream fails
   * @throws DeviceError if the device is not there
   * @throws OptionError if an option is unknown or out of range
   */
  static async load(
    source: ArchiveSource,
    options: ScriptModuleOptions = {},
  ): Promise<ScriptModule> {
    const checked = checkOptions(options, 'ScriptModule.load');
    const { signal } = options;
    signal?.throwIfAborted();
    const loading = ScriptModule.#open(source, options, checked);
    return await whenAborted(signal, loading, () => {
      // The module may still come, and nobody waits for it.
      loading.then(
        (module) => module.close(),
        () => undefined,
      );
    });
  }

  static async #open(
    source: ArchiveSource,
    options: ScriptModuleOptions,
    { dtype, freeze }: CheckedOptions,
  ): Promise<ScriptModule> {
    const reading = toArchive(source, options.signal);
    // The device is told of first, whatever there is to tell of the archive.
    reading.catch(() => undefined);
    const device = (await openDevice(options.device)).name;
    const archive = await reading;
    const executor = await Executor.open(options);
    const { native, handle } = executor;
    try {
      const loaded = await native.loadModule(handle, archive.content, device, dtype, freeze);
      return new ScriptModule(executor, loaded);
    } catch (error) {
      await executor.close();
      throw withName(error, archive);
    }
  }

  /** As `load`, but blocks, and takes no stream. */
  static loadSync(
    source: Exclude<ArchiveSource, NodeJS.ReadableStream>,
    options: Omit<ScriptModuleOptions, 'signal'> = {},
  ): ScriptModule {
    const { dtype, freeze } = checkOptions(options, 'ScriptModule.loadSync');
    const device = openDeviceSync(options.device).name;
    const archive = toArchiveSync(source);
    const executor = Executor.openSync(options);
    try {
      const { native, handle } = executor;
      const loaded = native.loadModuleSync(handle, archive.content, device, dtype, freeze);
      return new ScriptModule(executor, loaded);
    } catch (error) {
      void executor.close();
      throw withName(error, archive);
    }
  }

  /**
   * Makes a module from its description; parameters and buffers hold zeros until they are filled.
   *
   * @throws ScriptError if the source does not compile
   * @internal
   */
  static async create(spec: ModuleSpec): Promise<ScriptModule> {
    const executor = await Executor.open();
    try {
      const module = await executor.native.createModule(executor.handle, spec);
      return new ScriptModule(executor, { module, extraFiles: {} });
    } catch (error) {
      await executor.close();
      throw error;
    }
  }

  /**
   * Copies a strided view of `bytes` into a parameter or buffer. The bytes must stay as they are
   * until the promise is settled.
   *
   * @param name dotted, e.g. `layer1.0.conv1.weight`
   * @throws TensorError if the shape is not the parameter's, or the bytes are not the view's
   * @internal
   */
  async fill(name: string, bytes: Uint8Array, view: TensorView): Promise<void> {
    await this.executor.native.fillTensor(this.executor.handle, this.#handle, name, bytes, view);
  }

  /**
   * Calls `forward`. Keyword arguments are given as `{ kwargs: { … } }` after all others. Where the module
   * is on a GPU, tensors of the CPU are copied there, in lists and dicts too; those that it gives stay there
   * until they are read.
   *
   * @throws ScriptError if the arguments are not what the method takes, or TorchScript raises
   * @throws DisposedError after `close()`
   */
  async forward<Result extends Value = Tensor>(...args: (Value | Keywords)[]): Promise<Result> {
    return await this.call<Result>('forward', ...args);
  }

  /** As `forward`, but blocks. */
  forwardSync<Result extends Value = Tensor>(...args: (Value | Keywords)[]): Result {
    return this.callSync<Result>('forward', ...args);
  }

  /** Calls a method by its name; otherwise as `forward`. */
  async call<Result extends Value = Tensor>(
    method: string,
    ...args: (Value | Keywords)[]
  ): Promise<Result> {
    return await this.invoke<Result>(method, args);
  }

  /** As `call`, but blocks. */
  callSync<Result extends Value = Tensor>(method: string, ...args: (Value | Keywords)[]): Result {
    const { native, handle } = this.executor;
    this.#checkMethod(method);
    const [positional, named] = splitArguments(args);
    return native.callMethodSync(handle, this.#handle, method, positional, named) as Result;
  }

  /** As `call`, with the arguments as an array, and with options. */
  async invoke<Result extends Value = Tensor>(
    method: string,
    args: readonly (Value | Keywords)[],
    options: CallOptions = {},
  ): Promise<Result> {
    checkOptionNames(options, ['signal'], 'invoke');
    const { signal } = options;
    checkSignal(signal);
    signal?.throwIfAborted();
    this.#checkMethod(method);
    const { native, handle } = this.executor;
    const [positional, named] = splitArguments(args);
    const ticket = ++lastTicket;
    const called = native.callMethod(handle, this.#handle, method, positional, named, ticket);
    return await whenAborted(signal, called as Promise<Result>, () => {
      native.cancelJob(handle, ticket);
    });
  }

  /**
   * Plans a method, so that calls with one float32 tensor [n, 3, h, w] run as fast as this machine can.
   * The plan has weights of its own, of now.
   *
   * @internal
   */
  async plan(
    method: string,
    example: PlanExample,
    options: PlanOptions,
    device: OpenDevice = { name: 'cpu' },
  ): Promise<Plan> {
    const { executor } = this;
    return await makePlan({ executor, module: this.#handle, method, example, device }, options);
  }

  /** Its parameters by dotted name; the tensors share its memory. */
  async parameters(): Promise<Record<string, Tensor>> {
    return await this.#tensors(true, false);
  }

  /** Its buffers by dotted name; the tensors share its memory. */
  async buffers(): Promise<Record<string, Tensor>> {
    return await this.#tensors(false, true);
  }

  /** Its parameters and then its buffers by dotted name; the tensors share its memory. */
  async stateDict(): Promise<Record<string, Tensor>> {
    return await this.#tensors(true, true);
  }

  /**
   * The value of an attribute, or by a dotted name of a submodule's attribute.
   *
   * @throws ScriptError if there is none, or its type has no counterpart in JavaScript
   */
  async attribute<Result extends Value = Value>(name: string): Promise<Result> {
    if (typeof name !== 'string') throw invalidValue('the name of an attribute', 'a string', name);
    const { native, handle } = this.executor;
    return (await native.attribute(handle, this.#handle, name)) as Result;
  }

  /** The graph of a method, as TorchScript prints it, for debugging. */
  async graph(method = 'forward'): Promise<string> {
    this.#checkMethod(method);
    const { native, handle } = this.executor;
    return await native.methodGraph(handle, this.#handle, method);
  }

  /**
   * Moves it to a device and converts its floating point tensors to a dtype, in place, after the calls
   * that were made before.
   *
   * @returns itself
   * @throws OptionError if an option is unknown or out of range
   * @throws DeviceError if the device is not there, or has too little memory
   */
  async to(target: { device?: DeviceName; dtype?: FloatDType } = {}): Promise<this> {
    checkOptionNames(target, ['device', 'dtype'], 'to');
    const dtype = checkDType(target.dtype);
    const device = target.device === undefined ? undefined : await openDevice(target.device);
    const { native, handle } = this.executor;
    await native.convertModule(handle, this.#handle, device?.name, dtype);
    return this;
  }

  /** @internal */
  async moveTo({ name }: OpenDevice): Promise<void> {
    const { native, handle } = this.executor;
    await native.convertModule(handle, this.#handle, name, undefined);
  }

  /**
   * Saves it as a TorchScript archive, by way of a temporary file beside `path`.
   *
   * @param options.extraFiles texts that travel in the archive, by name; by default those it came with
   * @throws ModelError if the file cannot be written
   * @throws OptionError if the path or the extra files are of the wrong type
   */
  async save(
    path: string | URL,
    options: { extraFiles?: Readonly<Record<string, string>> } = {},
  ): Promise<void> {
    checkOptionNames(options, ['extraFiles'], 'save');
    const { extraFiles: given = this.metadata } = options;
    const extraFiles = checkExtraFiles(given);
    const { native, handle } = this.executor;
    await writeArchive(path, (temporary) =>
      native.saveModule(handle, this.#handle, temporary, extraFiles),
    );
  }

  /** Refuses new work, lets that under way finish, then frees the module. Idempotent. */
  async close(): Promise<void> {
    await this.executor.close(this.#handle);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #checkMethod(method: unknown): void {
    if (typeof method !== 'string') throw invalidValue('the name of a method', 'a string', method);
    if (Object.hasOwn(this.methods, method)) return;
    const known = Object.keys(this.methods);
    const guess = nearest(method, known);
    throw new ScriptError('ERR_SEMISUP_SCRIPT_ARGUMENT', {
      what: `The module has no method '${method}'.`,
      remedy: guess ? `Did you mean '${guess}'?` : `It has ${known.join(', ')}.`,
      value: method,
    });
  }

  async #tensors(parameters: boolean, buffers: boolean): Promise<Record<string, Tensor>> {
    const { native, handle } = this.executor;
    const tensors = await native.findTensors(handle, this.#handle, parameters, buffers);
    return tensors as Record<string, Tensor>;
  }
}

interface CheckedOptions {
  readonly dtype: FloatDType | undefined;
  readonly freeze: boolean;
}

function checkOptions(options: ScriptModuleOptions, where: string): CheckedOptions {
  checkOptionNames(options, optionNames, where);
  const { freeze = false } = options;
  if (typeof freeze !== 'boolean') throw invalidValue('freeze', 'true or false', freeze);
  checkSignal(options.signal);
  checkDeviceName(options.device);
  return { dtype: checkDType(options.dtype), freeze };
}

function checkDType(dtype: FloatDType | undefined): FloatDType | undefined {
  if (dtype === undefined || floatDTypes.includes(dtype)) return dtype;
  throw invalidValue('dtype', `one of '${floatDTypes.join(`', '`)}'`, dtype);
}

function checkExtraFiles(files: unknown): Readonly<Record<string, string>> {
  return readFrom('The extra files', files, () => {
    if (typeof files !== 'object' || files === null || Array.isArray(files)) {
      throw invalidValue('extraFiles', 'an object of texts', files);
    }
    const copy = { ...files };
    for (const [name, text] of Object.entries(copy)) {
      if (name === '' || name.includes('\0')) {
        throw invalidValue('the name of an extra file', 'a name without null bytes', name);
      }
      if (typeof text !== 'string')
        throw invalidValue(`the extra file '${name}'`, 'a string', text);
    }
    return copy;
  });
}
