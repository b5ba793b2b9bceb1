import { randomUUID } from 'node:crypto';
import { rename, rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { DType } from '../dtype';
import { ModelError, SemisupError } from '../errors';
import { checkOptionNames } from '../options';
import { resolveDevice, type DeviceName } from './device';
import { Executor } from './executor';
import type { ModuleHandle, ModuleSpec } from './native';
import { Tensor } from './tensor';

/** Options of `ScriptModule.load`. */
export interface ScriptModuleOptions {
  /** Where it runs; `'auto'` by default. */
  readonly device?: DeviceName;
  /** How many threads LibTorch uses inside an operator; by default as `setThreads` says. */
  readonly threads?: number;
  /** Names of extra files that are read from the archive with it. */
  readonly extraFiles?: readonly string[];
}

/** How the bytes of a tensor lie: a strided view, steps in elements. */
export interface TensorView {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
}

/** A TorchScript module, which runs on a thread of its own. */
export class ScriptModule implements AsyncDisposable {
  /** The thread that this module runs on. @internal */
  readonly executor: Executor;
  /** The extra files of the archive that were asked for and are in it, by name. */
  readonly extraFiles: Readonly<Record<string, string>>;
  readonly #handle: ModuleHandle;
  #closed: Promise<void> | undefined;

  private constructor(
    executor: Executor,
    handle: ModuleHandle,
    extraFiles: Readonly<Record<string, string>>,
  ) {
    this.executor = executor;
    this.#handle = handle;
    this.extraFiles = extraFiles;
  }

  /**
   * Loads a TorchScript archive, as `torch.jit.save` writes it, in eval mode.
   *
   * @param path of the file
   * @throws ModelError if the file is missing or no TorchScript
   * @throws DeviceError if the device is not there
   */
  static async load(path: string, options: ScriptModuleOptions = {}): Promise<ScriptModule> {
    checkOptionNames(options, ['device', 'threads', 'extraFiles'], 'ScriptModule.load');
    const device = resolveDevice(options.device);
    await checkIsFile(path);
    return await withExecutor(options.threads, async (executor) => {
      try {
        const { module, extraFiles } = await executor.native.loadModule(
          executor.handle,
          resolve(path),
          device,
          options.extraFiles ?? [],
        );
        return new ScriptModule(executor, module, extraFiles);
      } catch (error) {
        throw withPath(error, path, 'loaded');
      }
    });
  }

  /**
   * Makes a module from its description; parameters and buffers hold zeros until they are filled.
   *
   * @throws ScriptError if the source does not compile
   */
  static async create(
    spec: ModuleSpec,
    { threads }: { threads?: number } = {},
  ): Promise<ScriptModule> {
    return await withExecutor(threads, async (executor) => {
      const handle = await executor.native.createModule(executor.handle, spec);
      return new ScriptModule(executor, handle, {});
    });
  }

  /**
   * Copies a strided view of `bytes` into a parameter or buffer. The bytes must stay as they are
   * until the promise is settled.
   *
   * @param name dotted, e.g. `layer1.0.conv1.weight`
   * @throws TensorError if the shape is not the parameter's, or the bytes are not the view's
   */
  async fill(name: string, bytes: Uint8Array, view: TensorView): Promise<void> {
    await this.executor.native.fillTensor(this.executor.handle, this.#handle, name, bytes, view);
  }

  /** Calls `forward` with tensors. @throws ScriptError if TorchScript raises */
  async forward(...inputs: Tensor[]): Promise<Tensor> {
    return await this.call('forward', ...inputs);
  }

  /** Calls a method with tensors. @throws ScriptError if TorchScript raises */
  async call(method: string, ...inputs: Tensor[]): Promise<Tensor> {
    const { native, handle } = this.executor;
    const inputHandles = inputs.map((input) => input.handle);
    return new Tensor(native, await native.callMethod(handle, this.#handle, method, inputHandles));
  }

  /**
   * Saves it as a TorchScript archive, by way of a temporary file beside `path`.
   *
   * @param extraFiles texts that travel in the archive, by name
   * @throws ModelError if the file cannot be written
   */
  async save(path: string, extraFiles: Readonly<Record<string, string>> = {}): Promise<void> {
    const { native, handle } = this.executor;
    const temporary = `${resolve(path)}.${randomUUID()}.tmp`;
    try {
      await native.saveModule(handle, this.#handle, temporary, extraFiles);
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw withPath(error, path, 'written');
    }
  }

  /** Refuses new work, lets that under way finish, then frees the module. Idempotent. */
  async close(): Promise<void> {
    this.#closed ??= this.executor.close().then(() => {
      this.executor.native.disposeModule(this.#handle);
    });
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

async function withExecutor(
  threads: number | undefined,
  make: (executor: Executor) => Promise<ScriptModule>,
): Promise<ScriptModule> {
  const executor = await Executor.open({ threads });
  try {
    return await make(executor);
  } catch (error) {
    await executor.close();
    throw error;
  }
}

async function checkIsFile(path: string): Promise<void> {
  const stats = await stat(path).catch((cause: unknown) => {
    throw new ModelError('ERR_SEMISUP_MODEL_NOT_FOUND', {
      what: `The model file '${path}' cannot be read.`,
      todo: 'Check the path and the rights of the file.',
      value: path,
      cause,
    });
  });
  if (stats.isFile()) return;
  throw new ModelError('ERR_SEMISUP_MODEL_NOT_FOUND', {
    what: `'${path}' is no file.`,
    todo: 'Pass the path of a TorchScript archive.',
    value: path,
  });
}

function withPath(error: unknown, path: string, verb: string): unknown {
  if (error instanceof SemisupError && !(error instanceof ModelError)) return error;
  const code = error instanceof ModelError ? error.code : 'ERR_SEMISUP_MODEL_WRITE';
  return new ModelError(code, {
    what: `'${path}' could not be ${verb} as TorchScript.`,
    todo: error instanceof Error ? error.message : String(error),
    value: path,
    cause: error,
  });
}
