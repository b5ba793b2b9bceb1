import type { Model } from '../classify';
import { SemisupError, SwapError } from '../errors';
import { rejectOnAbort } from '../torch';
import type { SwapOptions } from './options';
import { checkCompatibility, dispose, selectProbe, type Probe } from './probe';
import type { LoadedModel, ResolvedSource } from './source';

type Stage = 'load' | 'warmup' | 'check';

const defaultWarmupRuns = 3;

/** What a swap uses of its slot. */
export interface SwapHost {
  /** The active model. */
  readonly current: Model;
  /** Resolves when the previous swap has ended and, if it failed, its model is freed. */
  readonly previousEnded: Promise<void> | undefined;
  /** The last call of `forward`, as a probe. */
  readonly lastForwardCall: () => Probe | undefined;
  readonly emit: (event: 'loading' | 'warming') => void;
}

/** Loads, warms up and checks a new model while the active one runs calls. */
export class Swap {
  readonly startTime = performance.now();
  /** Resolves when the swap and all earlier ones have ended, and failed ones have freed their models. */
  ended: Promise<void> | undefined;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  #stage: Stage = 'load';
  #loading: Promise<LoadedModel> | undefined;

  constructor(
    readonly resolvedSource: ResolvedSource,
    readonly options: SwapOptions,
  ) {
    const { timeout, signal } = options;
    if (timeout !== undefined) {
      this.#timer = setTimeout(() => {
        this.abort(timeoutError(resolvedSource, this.#stage, timeout));
      }, timeout);
    }
    signal?.addEventListener('abort', this.#abortByUser, { once: true });
  }

  /** Makes the swap fail with `reason`, unless the new model is already active. */
  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  throwIfAborted(): void {
    this.#controller.signal.throwIfAborted();
  }

  /** Loads the model, warms it up and checks it. @throws SwapError for the stage that failed */
  async prepare(host: SwapHost): Promise<LoadedModel> {
    const { signal } = this.#controller;
    await rejectOnAbort(signal, Promise.resolve(host.previousEnded));
    host.emit('loading');
    const loaded = await this.#runStage('load', async () => {
      this.#loading = this.resolvedSource.load(signal);
      const { model } = await this.#loading;
      if (model === host.current) throw new Error('it is already the active model');
      return await this.#loading;
    });
    const { model } = loaded;
    host.emit('warming');
    const probe = selectProbe(model, host.current, host.lastForwardCall());
    await this.#runStage('warmup', () => this.#warmUp(model, probe));
    await this.#runStage('check', () => this.#check(model, host.current, probe));
    return loaded;
  }

  /** Removes the timer and the abort listener. */
  release(): void {
    clearTimeout(this.#timer);
    this.options.signal?.removeEventListener('abort', this.#abortByUser);
  }

  /** Frees the model of a failed swap, which may still be loading. */
  async discard(current: Model): Promise<void> {
    const loaded = await this.#loading?.catch(() => undefined);
    if (loaded && loaded.model !== current) await loaded.model.close();
  }

  readonly #abortByUser = (): void => {
    this.abort(this.options.signal?.reason);
  };

  async #runStage<T>(stage: Stage, task: () => Promise<T>): Promise<T> {
    const { signal } = this.#controller;
    this.#stage = stage;
    signal.throwIfAborted();
    try {
      return await rejectOnAbort(signal, task());
    } catch (error) {
      signal.throwIfAborted();
      throw stageError(this.resolvedSource, stage, error);
    }
  }

  async #warmUp(model: Model, probe: Probe | undefined): Promise<void> {
    const { warmup = defaultWarmupRuns } = this.options;
    if (typeof warmup === 'function') {
      await warmup(model, { signal: this.#controller.signal });
      return;
    }
    for (let i = 0; probe && i < warmup; i++) {
      this.throwIfAborted();
      dispose(await probe.run(model));
    }
  }

  async #check(model: Model, current: Model, probe: Probe | undefined): Promise<void> {
    const { check } = this.options;
    if (!check) {
      await checkCompatibility(model, current, probe);
    } else if ((await check(model, { signal: this.#controller.signal })) === false) {
      throw new Error('the check returned false');
    }
  }
}

/** The error of a swap that a later swap has superseded. */
export function supersededError({ name }: ResolvedSource, by: ResolvedSource): SwapError {
  return new SwapError('ERR_SEMISUP_SWAP_SUPERSEDED', {
    what: `${name} was not swapped in, because a later swap to ${by.name} superseded it.`,
    remedy: 'Wait for the later swap.',
    value: name,
  });
}

const stages = {
  load: ['ERR_SEMISUP_SWAP_LOAD', 'load', 'Correct the source.'],
  warmup: ['ERR_SEMISUP_SWAP_WARMUP', 'warm up', 'Run the model with a valid input.'],
  check: ['ERR_SEMISUP_SWAP_CHECK', 'pass its check', 'Correct the model or the check.'],
} as const;

const staysActive = 'The previous model stays active.';

function stageError({ name }: ResolvedSource, stage: Stage, cause: unknown): SwapError {
  const [code, action, remedy] = stages[stage];
  return new SwapError(code, {
    what: `${name} was not swapped in, because it did not ${action}: ${reasonOf(cause)}`,
    remedy: `${remedy} ${staysActive}`,
    value: name,
    cause,
  });
}

function timeoutError({ name }: ResolvedSource, stage: Stage, timeout: number): SwapError {
  return new SwapError('ERR_SEMISUP_SWAP_TIMEOUT', {
    what: `${name} was not swapped in, because it did not ${stages[stage][1]} within ${timeout} ms.`,
    remedy: `Increase the option 'timeout'. ${staysActive}`,
    value: name,
  });
}

function reasonOf(cause: unknown): string {
  if (cause instanceof SemisupError) return cause.what;
  return `${cause instanceof Error ? cause.message : String(cause)}.`;
}
