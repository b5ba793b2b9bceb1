import { DisposedError, ModelError, ScriptError } from '../errors';
import { isSameFingerprint, readFingerprint, type Fingerprint } from '../fingerprint';
import {
  answerError,
  decodeValue,
  disposeTensors,
  encodeValue,
  IsolatedProcess,
  type CompleteLimits,
  type Message,
} from '../isolate';
import { findUsedLibTorch } from '../libtorch';
import { metadataFile } from '../models';
import { invalidValue } from '../options';
import { Semaphore } from '../semaphore';
import {
  closeWithin,
  Executor,
  rejectOnAbort,
  threadsByDefault,
  Tensor,
  type CloseOptions,
  openEngine,
} from '../native';
import {
  checkCallOptions,
  toArchive,
  type Archive,
  type ArchiveSource,
  type CallOptions,
  type ExtraFiles,
  type GradCam,
  type KeywordArguments,
  type MethodSchema,
  type Plan,
  type PlanOptions,
  type ScriptValue,
} from '../torch';
import type { Transform } from '../types';
import type { CallableModule } from './callable-module';
import type { Method } from './create-plan';
import {
  checkLoadAnswer,
  checkPlan,
  type LoadAnswer,
  type LoadRequest,
  type PlanRequest,
} from './isolated-requests';
import type { ModelOptions, TrustOptions } from './model-options';

/** What is loaded, and how: the same each time that the process is started. */
interface LoadContext {
  readonly archive: Archive;
  /** Of a file, when it was first loaded. */
  readonly fingerprint: Fingerprint | undefined;
  readonly limits: CompleteLimits;
  readonly options: ModelOptions & TrustOptions;
  readonly libtorch: string;
}

interface LoadedProcess {
  readonly process: IsolatedProcess;
  readonly answer: LoadAnswer;
}

/**
 * A TorchScript module in a child process. If the process ends unexpectedly, its pending calls are rejected, and the
 * next call starts another one, with the same file and plans.
 */
export class IsolatedModule implements CallableModule {
  readonly executor: Executor;
  readonly extraFiles: ExtraFiles;
  readonly methods: Readonly<Record<string, MethodSchema>>;
  readonly isOnGpu: boolean;
  readonly #context: LoadContext;
  #process: IsolatedProcess;
  #restarting: Promise<IsolatedProcess> | undefined;
  /** The plans that a new process makes again. */
  readonly #plans = new Map<Method, (process: IsolatedProcess) => Promise<Plan>>();
  /** Pending plans, which calls wait for: they would otherwise wait in the process, within their time limit. */
  #planning: Promise<unknown> = Promise.resolve();
  /** For the same reason, only as many calls are sent as run concurrently. */
  readonly #slots: Semaphore;
  /** The calls that `close` waits for. */
  readonly #pending = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;
  /** Why the process must not be started again. */
  #killed: Error | undefined;

  private constructor(
    context: LoadContext,
    { process, answer }: LoadedProcess,
    executor: Executor,
  ) {
    const { methods, metadata, isOnGpu, instances } = answer;
    this.#context = context;
    this.#process = process;
    this.executor = executor;
    this.methods = methods;
    this.extraFiles = metadata === undefined ? {} : { [metadataFile]: metadata };
    this.isOnGpu = isOnGpu;
    this.#slots = new Semaphore(instances);
  }

  /**
   * Starts a process, which loads an archive.
   *
   * @throws IsolationError if the process ends, ScriptError (`ERR_SEMISUP_TIMEOUT`) if loading takes too long, and
   *   what `ScriptModule.load` throws
   */
  static async open(
    source: ArchiveSource,
    limits: CompleteLimits,
    options: ModelOptions & TrustOptions,
    signal: AbortSignal | undefined,
  ): Promise<IsolatedModule> {
    const { content, name } = await toArchive(source, signal);
    const isFile = typeof content === 'string';
    const context: LoadContext = {
      // The caller may write to the bytes later.
      archive: isFile
        ? { name, content }
        : { name: `of ${content.length} bytes`, content: Uint8Array.from(content) },
      fingerprint: isFile ? await readFingerprint(content) : undefined,
      ...{ limits, options },
      libtorch: (await findUsedLibTorch()).dir,
    };
    signal?.throwIfAborted();
    const loaded = await startProcess(context, signal);
    try {
      const { threads } = options;
      const { instances } = loaded.answer;
      return new IsolatedModule(
        context,
        loaded,
        Executor.start(openEngine(), { threads, instances }),
      );
    } catch (error) {
      loaded.process.kill(closedError());
      throw error;
    }
  }

  /** The ID of the process; undefined if it has ended. @internal */
  get pid(): number | undefined {
    return this.#process.isAlive ? this.#process.pid : undefined;
  }

  /**
   * Plans a method, as `createPlan`.
   *
   * @param calibration loads the images that calibrate the plan; synthetic ones by default
   */
  async plan(
    method: Method,
    transform: Transform,
    { precision, tolerance, plan }: PlanOptions,
    calibration: (() => Promise<Tensor>) | undefined,
  ): Promise<Plan> {
    if (calibration && this.isOnGpu) {
      const remedy = `Use device: 'cpu', or leave it out for synthetic images.`;
      throw invalidValue(
        'calibration',
        'no images for an isolated model on a GPU',
        calibration,
        remedy,
      );
    }
    const request = { method, transform, options: { precision, tolerance, plan } };
    const planIn = async (process: IsolatedProcess) =>
      await requestPlan(process, request, calibration, this.#context);
    const planning = this.#track(this.#running().then(planIn));
    this.#planning = Promise.allSettled([this.#planning, planning]);
    const result = await planning;
    this.#plans.set(method, planIn);
    return result;
  }

  async invoke<Result extends ScriptValue = Tensor>(
    method: string,
    args: readonly (ScriptValue | KeywordArguments)[],
    options: CallOptions = {},
  ): Promise<Result> {
    checkCallOptions(options);
    const { signal } = options;
    const call = this.#enqueue('invoke', args, (encoded) => ({ method, args: encoded }), signal);
    const result = await rejectOnAbort(signal, call, () => {
      call.then(disposeTensors, () => undefined);
    });
    return result as Result;
  }

  /** As `ScriptModule.invokeOutputs`. */
  async invokeOutputs(
    method: string,
    images: Tensor,
    outputs: readonly number[],
  ): Promise<Tensor<'float32'>[]> {
    const toArgument = (args: object) => ({ method, args, outputs });
    const result = await this.#enqueue('invoke', [images], toArgument);
    return checkAnswer(this.#process, this.#context.archive, () =>
      checkOutputs(result, outputs.length),
    );
  }

  /** As `ScriptModule.gradCam`. */
  async gradCam(images: Tensor, layer: string, index?: number): Promise<GradCam> {
    const result = await this.#enqueue('gradCam', images, (encoded) => {
      return { layer, index, images: encoded };
    });
    return checkAnswer(this.#process, this.#context.archive, () => checkGradCam(result));
  }

  /**
   * Refuses new calls, waits for pending ones, then ends the process. Idempotent.
   *
   * @throws ScriptError `ERR_SEMISUP_TIMEOUT` if calls are still running after `timeout`
   */
  async close(options: CloseOptions = {}): Promise<void> {
    this.#closed ??= this.#close();
    await closeWithin(this.#closed, options, async () => {
      this.#process.kill(notAwaitedError());
      await this.#closed;
    });
  }

  /** Ends the process at once. Pending calls are rejected with `reason`. */
  async kill(reason: Error): Promise<void> {
    this.#killed ??= reason;
    this.#process.kill(reason);
    await this.close();
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#pending);
    await this.executor.close();
    this.#process.kill(closedError());
    await this.#process.ended;
  }

  /** @param toArgument the argument of the request, from the encoded value */
  async #enqueue(
    method: 'invoke' | 'gradCam',
    value: Parameters<typeof encodeValue>[0],
    toArgument: (encoded: object) => object,
    signal?: AbortSignal,
  ): Promise<ScriptValue> {
    if (this.#closed) throw closedError();
    // Encoded before the call waits: the caller may dispose the tensors now.
    const encoding = encodeValue(value);
    encoding.catch(() => undefined);
    const run = async () => {
      const { header, parts } = await encoding;
      await this.#planning;
      return await this.#call(method, toArgument(header), parts);
    };
    return await this.#track(this.#slots.run(run, { signal }));
  }

  async #call(
    method: 'invoke' | 'gradCam',
    argument: object,
    parts: readonly Uint8Array[],
  ): Promise<ScriptValue> {
    const process = await this.#running();
    const { archive, limits, options } = this.#context;
    const answer = await process.request({
      ...{ method, argument, parts, activity: 'finish a call' },
      timeLimit: Math.min(limits.callTime, options.callTimeout ?? Infinity),
    });
    return checkAnswer(process, archive, () => decodeValue(resultOf(answer)));
  }

  /** Returns the process. Starts another one if it has ended. */
  async #running(): Promise<IsolatedProcess> {
    if (this.#killed) throw this.#killed;
    if (this.#process.isAlive) return this.#process;
    this.#restarting ??= this.#restart().finally(() => (this.#restarting = undefined));
    return await this.#restarting;
  }

  async #restart(): Promise<IsolatedProcess> {
    const context = this.#context;
    const { archive, fingerprint } = context;
    // Not the model that the caller has opened and checked.
    if (
      fingerprint &&
      !isSameFingerprint(fingerprint, await readFingerprint(archive.content as string))
    ) {
      throw changedError(archive);
    }
    const { process, answer } = await startProcess(context, undefined);
    try {
      if (answer.metadata !== this.extraFiles[metadataFile]) throw changedError(archive);
      for (const planIn of this.#plans.values()) await planIn(process);
    } catch (error) {
      process.kill(closedError());
      throw error;
    }
    this.#process = process;
    return process;
  }

  #track<T>(call: Promise<T>): Promise<T> {
    this.#pending.add(call);
    const untrack = () => this.#pending.delete(call);
    call.then(untrack, untrack);
    return call;
  }
}

async function startProcess(
  { archive, limits, options, libtorch }: LoadContext,
  signal: AbortSignal | undefined,
): Promise<LoadedProcess> {
  const { content, name } = archive;
  const entry = require.resolve('./isolated-child');
  const process = new IsolatedProcess({ name, entry, limits, libtorch });
  const { device, precision, threads = threadsByDefault(), instances, verify } = options;
  const argument: LoadRequest = {
    path: typeof content === 'string' ? content : undefined,
    length: typeof content === 'string' ? 0 : content.length,
    ...{ device, precision, threads, instances, verify, reportMemory: process.mustReportMemory },
  };
  const loading = process.request({
    ...{ method: 'load', argument, activity: 'load', timeLimit: limits.openingTime },
    parts: typeof content === 'string' ? [] : [content],
  });
  try {
    const { header } = resultOf(
      await rejectOnAbort(signal, loading, () => {
        process.kill(closedError());
      }),
    );
    return { process, answer: checkAnswer(process, archive, () => checkLoadAnswer(header)) };
  } catch (error) {
    process.kill(closedError());
    await process.ended;
    throw error;
  }
}

async function requestPlan(
  process: IsolatedProcess,
  request: PlanRequest,
  calibration: (() => Promise<Tensor>) | undefined,
  { archive, limits }: LoadContext,
): Promise<Plan> {
  const images = await calibration?.();
  const encoded = images && (await encodeValue(images));
  images?.dispose();
  const { header } = resultOf(
    await process.request({
      ...{ method: 'plan', activity: 'finish planning', timeLimit: limits.openingTime },
      argument: { ...request, calibration: encoded?.header },
      parts: encoded?.parts,
    }),
  );
  return checkAnswer(process, archive, () => checkPlan(header));
}

/** @throws unless a value is two tensors */
function checkGradCam(value: ScriptValue): GradCam {
  const [maps, logits] = checkOutputs(value, 2);
  return [maps!, logits!];
}

function checkOutputs(value: ScriptValue, count: number): Tensor<'float32'>[] {
  const list: readonly ScriptValue[] = Array.isArray(value) ? (value as ScriptValue[]) : [];
  const tensors = list.filter(isFloat32);
  if (tensors.length === count && list.length === count) return tensors;
  disposeTensors(value);
  throw new Error(`its result is not ${count} float32 tensors`);
}

function isFloat32(value: ScriptValue): value is Tensor<'float32'> {
  return value instanceof Tensor && value.dtype === 'float32';
}

/** The result in an answer, as a message. */
function resultOf({ header, body }: Message): Message {
  return { header: (header as { result: unknown }).result, body };
}

/** Returns what `read` returns. If it throws, the process has sent an invalid answer, and is killed. */
function checkAnswer<T>(process: IsolatedProcess, { name }: Archive, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const error = answerError(name, cause);
    process.kill(error);
    throw error;
  }
}

function changedError({ name }: Archive): ModelError {
  return new ModelError('ERR_SEMISUP_MODEL_FORMAT', {
    what: `${name} was modified after it was opened, so the process of the isolated model could not be started again.`,
    remedy: 'Open the file again.',
    value: name,
  });
}

function notAwaitedError(): ScriptError {
  return new ScriptError('ERR_SEMISUP_TIMEOUT', {
    what: 'The isolated model was closed while the call ran, and did not wait for it.',
    remedy: 'Close it later, or with a longer timeout.',
  });
}

function closedError(): DisposedError {
  return new DisposedError('ERR_SEMISUP_DISPOSED', {
    what: 'The isolated model was used after close().',
    remedy: 'Call close() only after the last use, or open it again.',
  });
}
