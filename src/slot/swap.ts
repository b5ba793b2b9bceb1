import { onAbort } from '../abort';
import type { Model } from '../classify';
import { SemisupError, SwapError } from '../errors';
import { describeThrown } from '../options';
import { closeOrAbandon, rejectOnAbort } from '../native';
import type { SwapOptions } from './options';
import { checkCompatibility, dispose, selectProbe, type Probe } from './probe';
import type { LoadedModel, ResolvedSource } from './source';

type Stage = 'load' | 'warmup' | 'check';
/** Which part of a swap the time limit interrupted. */
type TimedStage = 'wait' | Stage;

const defaultWarmupRuns = 3;

/** What a swap needs from its slot. */
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
  readonly #removeAbort: (() => void) | undefined;
  #stage: TimedStage = 'wait';
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
    this.#removeAbort =
      signal &&
      onAbort(signal, () => {
        this.abort(signal.reason);
      });
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
      return await this.#loading;
    });
    const { model } = loaded;
    if (model === host.current) throw alreadyActiveError(this.resolvedSource);
    host.emit('warming');
    const probe = selectProbe(model, host.current, host.lastForwardCall());
    await this.#runStage('warmup', () => this.#warmUp(model, host.current, probe));
    await this.#runStage('check', () => this.#check(model, host.current, probe));
    return loaded;
  }

  /** Clears the timer and removes the abort listener. */
  release(): void {
    clearTimeout(this.#timer);
    this.#removeAbort?.();
  }

  /** Frees the model of a failed swap, which may still be loading. */
  async discard(current: Model): Promise<void> {
    const loaded = await this.#loading?.catch(() => undefined);
    if (loaded && loaded.model !== current) await closeOrAbandon(loaded.model);
  }

  async #runStage<T>(stage: Stage, task: () => Promise<T>): Promise<T> {
    const { signal } = this.#controller;
    this.#stage = stage;
    signal.throwIfAborted();
    try {
      return await rejectOnAbort(signal, task());
    } catch (error) {
      signal.throwIfAborted();
      throw stageError(this.resolvedSource, stage, this.options, error);
    }
  }

  async #warmUp(model: Model, current: Model, probe: Probe | undefined): Promise<void> {
    const { warmup = defaultWarmupRuns } = this.options;
    if (typeof warmup === 'function') {
      await warmup(model, { current, signal: this.#controller.signal });
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
    } else if ((await check(model, { current, signal: this.#controller.signal })) === false) {
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
  load: ['ERR_SEMISUP_SWAP_LOAD', 'load'],
  warmup: ['ERR_SEMISUP_SWAP_WARMUP', 'warm up'],
  check: ['ERR_SEMISUP_SWAP_CHECK', 'pass its check'],
} as const;

const activities = {
  wait: 'waiting for the previous swap to end',
  load: 'loading the model',
  warmup: 'warming up the model',
  check: 'checking the model',
} as const;

const staysActive = 'The previous model stays active.';

function stageError(
  { name }: ResolvedSource,
  stage: Stage,
  options: SwapOptions,
  cause: unknown,
): SwapError {
  const [code, action] = stages[stage];
  return new SwapError(code, {
    what: `${name} was not swapped in, because it did not ${action}: ${reasonOf(cause)}`,
    remedy: `${remedyFor(stage, options)} ${staysActive}`,
    value: name,
    cause,
  });
}

function remedyFor(stage: Stage, { warmup, check }: SwapOptions): string {
  if (stage === 'load') return 'Correct the source.';
  if (stage === 'check') return `Correct the model${check ? ` or the function 'check'` : ''}.`;
  return typeof warmup === 'function'
    ? `Correct the model or the function 'warmup'.`
    : `Correct the model, or pass a function 'warmup' that runs it on a valid input.`;
}

function alreadyActiveError({ name }: ResolvedSource): SwapError {
  return new SwapError('ERR_SEMISUP_SWAP_LOAD', {
    what: `${name} was not swapped in, because it returned the model that is already active.`,
    remedy: `Return a new model. ${staysActive}`,
    value: name,
  });
}

function timeoutError({ name }: ResolvedSource, stage: TimedStage, timeout: number): SwapError {
  return new SwapError('ERR_SEMISUP_SWAP_TIMEOUT', {
    what: `${name} was not swapped in, because the swap exceeded its time limit of ${timeout} ms while ${activities[stage]}.`,
    remedy: `Increase the option 'timeout'. ${staysActive}`,
    value: name,
  });
}

function reasonOf(cause: unknown): string {
  if (cause instanceof SemisupError) return cause.what;
  return `${describeThrown(cause)}.`;
}
