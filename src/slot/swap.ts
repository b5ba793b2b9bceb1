import type { Model } from '../classify';
import { SemisupError, SwapError } from '../errors';
import { whenAborted } from '../torch';
import type { SwapOptions } from './options';
import { checkLikeness, dispose, probeFor, type Probe } from './probe';
import type { Loaded, Source } from './source';

type Stage = 'load' | 'warmup' | 'check';

const defaultRuns = 3;

/** What the slot has to do with a swap until the new model serves. */
export interface SwapHost {
  /** The model that serves. */
  readonly current: Model;
  /** Settles when the swap before has cleared away what it loaded. */
  readonly cleared: Promise<void> | undefined;
  /** The last call of `forward`, as a probe. */
  readonly seen: () => Probe | undefined;
  readonly tell: (event: 'loading' | 'warming') => void;
}

/** A new model's way until it is fit to serve, of which the one that serves notices nothing. */
export class Swap {
  readonly began = performance.now();
  /** Settles when the swap is over, and cleared away if it failed. */
  ended: Promise<void> | undefined;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  #stage: Stage = 'load';
  #loading: Promise<Loaded> | undefined;

  constructor(
    readonly source: Source,
    readonly options: SwapOptions,
  ) {
    const { timeout, signal } = options;
    if (timeout !== undefined) {
      this.#timer = setTimeout(() => {
        this.abort(timedOut(source, this.#stage, timeout));
      }, timeout);
    }
    signal?.addEventListener('abort', this.#abortByUser, { once: true });
  }

  /** Makes it fail with `reason`, unless the new model serves already. */
  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /** Throws the reason if it was aborted. */
  throwIfAborted(): void {
    this.#controller.signal.throwIfAborted();
  }

  /** Loads the model, warms it up and checks it. @throws SwapError that tells at which stage it failed */
  async prepare(host: SwapHost): Promise<Loaded> {
    const { signal } = this.#controller;
    await whenAborted(signal, Promise.resolve(host.cleared));
    host.tell('loading');
    const loaded = await this.#do('load', async () => {
      this.#loading = this.source.load(signal);
      const { model } = await this.#loading;
      if (model === host.current) throw new Error('it is the model that serves already');
      return await this.#loading;
    });
    const { model } = loaded;
    host.tell('warming');
    const probe = probeFor(model, host.current, host.seen());
    await this.#do('warmup', () => this.#warmUp(model, probe));
    await this.#do('check', () => this.#check(model, host.current, probe));
    return loaded;
  }

  /** Stops waiting for anything. */
  release(): void {
    clearTimeout(this.#timer);
    this.options.signal?.removeEventListener('abort', this.#abortByUser);
  }

  /** After it has failed: frees what was loaded, or is still to come. */
  async discard(current: Model): Promise<void> {
    const loaded = await this.#loading?.catch(() => undefined);
    if (loaded && loaded.model !== current) await loaded.model.close();
  }

  readonly #abortByUser = (): void => {
    this.abort(this.options.signal?.reason);
  };

  async #do<T>(stage: Stage, work: () => Promise<T>): Promise<T> {
    const { signal } = this.#controller;
    this.#stage = stage;
    signal.throwIfAborted();
    try {
      return await whenAborted(signal, work());
    } catch (error) {
      signal.throwIfAborted();
      throw failed(this.source, stage, error);
    }
  }

  async #warmUp(model: Model, probe: Probe | undefined): Promise<void> {
    const { warmup = defaultRuns } = this.options;
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
      await checkLikeness(model, current, probe);
    } else if ((await check(model, { signal: this.#controller.signal })) === false) {
      throw new Error('the check of your own gave false');
    }
  }
}

/** The error for a swap that another one came after. */
export function superseded({ name }: Source, by: Source): SwapError {
  return new SwapError('ERR_SEMISUP_SWAP_SUPERSEDED', {
    what: `${name} was not swapped in, because ${by.name} was asked for meanwhile.`,
    remedy: 'Nothing need be done; the later of two swaps wins.',
    value: name,
  });
}

const stages = {
  load: ['ERR_SEMISUP_SWAP_LOAD', 'load', 'Correct the source.'],
  warmup: ['ERR_SEMISUP_SWAP_WARMUP', 'warm up', 'Try the model with an input of your own.'],
  check: ['ERR_SEMISUP_SWAP_CHECK', 'pass its check', 'Correct the model or the check.'],
} as const;

const servesOn = 'The model of before serves on.';

function failed({ name }: Source, stage: Stage, cause: unknown): SwapError {
  const [code, work, remedy] = stages[stage];
  return new SwapError(code, {
    what: `${name} was not swapped in, because it did not ${work}: ${reasonOf(cause)}`,
    remedy: `${remedy} ${servesOn}`,
    value: name,
    cause,
  });
}

function timedOut({ name }: Source, stage: Stage, timeout: number): SwapError {
  return new SwapError('ERR_SEMISUP_SWAP_TIMEOUT', {
    what: `${name} was not swapped in, because ${timeout} ms were over before it did ${stages[stage][1]}.`,
    remedy: `Allow more by the option 'timeout'. ${servesOn}`,
    value: name,
  });
}

function reasonOf(cause: unknown): string {
  if (cause instanceof SemisupError) return cause.what;
  return `${cause instanceof Error ? cause.message : String(cause)}.`;
}
