import { copyFile } from 'node:fs/promises';
import { asyncDispose } from '../dispose';
import { ModelError, ScriptError } from '../errors';
import {
  Executor,
  Tensor,
  checkCloseOptions,
  openEngine,
  rejectOnAbort,
  type CloseOptions,
  type CompiledMethod,
  type EngineNative,
  type ExecutorOptions,
  type Handle,
} from '../native';
import {
  checkCallOptions,
  writeFileAtomically,
  type Archive,
  type CallOptions,
  type MethodSchema,
  type Plan,
  type Precision,
} from '../torch';
import { explainOpenError } from './open-error';
import { parseCompiledMetadata, type CompiledMetadata } from './metadata';

function schemaOf({ returnsSequence }: CompiledMethod): MethodSchema {
  return {
    arguments: [{ name: 'images', type: 'Tensor', keywordOnly: false }],
    returns: returnsSequence ? 'List[Tensor]' : 'Tensor',
  };
}

let lastJobId = 0;

/** A compiled model, which runs on its own threads, without LibTorch. */
export class CompiledModule implements AsyncDisposable {
  /** @internal */
  readonly executor: Executor<EngineNative>;
  readonly extraFiles: Readonly<Record<string, string>>;
  /** The schemas of the methods, by name. Each takes one float32 tensor [n, c, h, w], and returns one or a list. */
  readonly methods: Readonly<Record<string, MethodSchema>>;
  readonly #handle: Handle<'CompiledModel'>;
  readonly #compiled: Readonly<Record<string, CompiledMethod>>;
  readonly #metadata: CompiledMetadata;
  readonly #name: string;

  private constructor(
    executor: Executor<EngineNative>,
    { model, methods }: Awaited<ReturnType<EngineNative['openModel']>>,
    metadata: CompiledMetadata,
    name: string,
    /** Undefined if the model was opened from bytes. */
    readonly path: string | undefined,
  ) {
    this.executor = executor;
    this.extraFiles = metadata.extraFiles;
    this.methods = Object.fromEntries(
      Object.entries(methods).map(([name, method]) => [name, schemaOf(method)]),
    );
    this.#handle = model;
    this.#compiled = methods;
    this.#metadata = metadata;
    this.#name = name;
  }

  /**
   * Opens a compiled model. A file is mapped into memory, and must not be modified while it is open: replace it by
   * another one instead. Bytes are copied.
   *
   * @throws ModelError if it is damaged, or was compiled for another processor
   */
  static async open(
    { content, name }: Archive,
    options: ExecutorOptions & { readonly signal?: AbortSignal } = {},
  ): Promise<CompiledModule> {
    const { signal } = options;
    signal?.throwIfAborted();
    const executor = Executor.start(openEngine(), options);
    const opening = executor.native.openModel(executor.handle, content);
    try {
      const opened = await rejectOnAbort(signal, opening);
      const metadata = parseCompiledMetadata(opened.metadata);
      const path = typeof content === 'string' ? content : undefined;
      return new CompiledModule(executor, opened, metadata, name, path);
    } catch (error) {
      const opened = await opening.catch(() => undefined);
      await executor.close(opened?.model);
      signal?.throwIfAborted();
      throw explainOpenError(error, name);
    }
  }

  /** Calls a method, as `ScriptModule.invoke`, with one tensor. */
  async invoke<Result = Tensor>(
    method: string,
    args: readonly unknown[],
    options: CallOptions = {},
  ): Promise<Result> {
    checkCallOptions(options);
    const [images] = args;
    if (args.length !== 1 || !(images instanceof Tensor)) throw wrongArguments(method);
    const outputs = await this.#call(method, images as Tensor, undefined, options.signal);
    const isSequence = this.#compiled[method]?.returnsSequence;
    return (isSequence ? outputs : outputs[0]) as Result;
  }

  /** As `ScriptModule.invokeOutputs`. @internal */
  async invokeOutputs(
    method: string,
    images: Tensor,
    outputs: readonly number[],
  ): Promise<Tensor<'float32'>[]> {
    return await this.#call(method, images, outputs);
  }

  async #call(
    method: string,
    images: Tensor,
    selected: readonly number[] | undefined,
    signal?: AbortSignal,
  ): Promise<Tensor<'float32'>[]> {
    const { native, handle, callTimeout, queue } = this.executor;
    const outputs = await queue.run(images.byteLength, async () => {
      const jobId = ++lastJobId;
      const { hostHandle } = images;
      const called = native.callMethod(
        ...([handle, this.#handle, method, hostHandle, selected, jobId, callTimeout] as const),
      );
      // The call has its own reference.
      if (hostHandle !== images.handle) native.disposeTensor(hostHandle);
      return await rejectOnAbort(signal, called, () => {
        native.cancelJob(handle, jobId);
      });
    });
    return outputs.map((output) => new Tensor<'float32'>(native, output));
  }

  /** How a method runs. @throws ModelError if the model was compiled without it */
  planOf(method: string): Plan {
    const compiled = this.#compiled[method];
    if (!compiled) {
      throw new ModelError('ERR_SEMISUP_MODEL_KIND', {
        what: `${this.#name} was compiled without the method ${method}().`,
        remedy: 'Compile it again from a model that has the method.',
        value: method,
      });
    }
    const { instructionSet } = compiled;
    const precision = compiled.precision as Precision;
    const plan = this.#metadata.plans.find(
      (candidate) => candidate.method === method && candidate.instructionSet === instructionSet,
    );
    return {
      kind: 'compiled',
      device: 'cpu',
      precision,
      instructionSet: this.executor.native.instructionSet,
      reason: `It was compiled for ${instructionSet} by semisup ${this.#metadata.semisup}.`,
      ...(plan?.choices && { choices: plan.choices }),
      ...(plan?.measured && { measured: plan.measured }),
    };
  }

  /**
   * Copies the file of a model that was opened from one, atomically.
   *
   * @throws ModelError if the model was opened from bytes, or the copy cannot be written
   */
  async copyTo(target: string): Promise<void> {
    const { path } = this;
    if (path === undefined) {
      throw new ModelError('ERR_SEMISUP_MODEL_KIND', {
        what: `${this.#name} is a compiled model already.`,
        remedy: 'Write its bytes to a file.',
        value: target,
      });
    }
    await writeFileAtomically(target, (temporary) => copyFile(path, temporary));
  }

  /**
   * Refuses new calls, waits for pending ones, then frees the model. Idempotent.
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
}

function wrongArguments(method: string): ScriptError {
  return new ScriptError('ERR_SEMISUP_SCRIPT_ARGUMENT', {
    what: `${method}() of a compiled model takes one Tensor.`,
    remedy: 'Pass images as one float32 tensor [n, c, h, w].',
    value: method,
  });
}
