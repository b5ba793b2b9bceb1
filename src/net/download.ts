import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DownloadError } from '../errors';
import { checkSpace, writing } from './disk';
import { contentLength, contentRange, header, strongValidator } from './headers';
import { Http, statusError, type Answer, type Network } from './http';
import { Partial } from './partial';
import { progressReporter, type DownloadProgress } from './progress';
import { reason } from './reason';
import { defaultPatience, retry, Transient, type Patience } from './retry';

export type { DownloadProgress } from './progress';

export interface DownloadOptions {
  /** The expected SHA-256 in hex digits, whole or, as in torch.hub's file names, its beginning. */
  readonly sha256: string;
  /** The expected size in bytes, where it is known. */
  readonly size?: number;
  readonly signal?: AbortSignal;
  /** Called at the start, about ten times a second, and at the end. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Proxy and certificates, where they come from elsewhere than the environment. */
  readonly network?: Network;
  /** @internal */
  readonly patience?: Patience;
}

// Many times the largest file of interest; only a body whose length nobody has told can reach it.
const LONGEST_UNTOLD_BODY = 8 * 2 ** 30;
/** New bytes before a failure, from which on it does not count against the attempts. */
const PROGRESS = 2 ** 20;

/**
 * Fetches `url` (http or https, through the proxies of the environment) into `file`. Nothing appears
 * under that name, and nothing there is replaced, before the whole body is on the disk and its SHA-256
 * is checked. Until then it lies in `<file>.part`, from where a later call, also of another process,
 * goes on. Two processes must not fetch the same file at once: hold a lock (`withLock`).
 *
 * @throws DownloadError `…_HTTP` for a status that is no success, `…_NETWORK` where no answer comes,
 *   `…_TRUNCATED` where the body keeps ending early, `…_SIZE` and `…_HASH` where it is not what was
 *   expected (then the partial file is deleted), `…_DISK` where the file cannot be written.
 *   `signal.reason` after an abort; the partial file stays.
 */
export async function download(url: string, file: string, options: DownloadOptions): Promise<void> {
  const { signal } = options;
  signal?.throwIfAborted();
  const patience = options.patience ?? defaultPatience;
  const folder = dirname(file);
  await writing(file, mkdir(folder, { recursive: true }));
  const http = await Http.open(patience.idle, options.network);
  try {
    const partial = await Partial.open(file, url, signal);
    try {
      await new Download(http, url, file, partial, options).run(patience);
    } finally {
      await partial.close();
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    await http.close();
  }
}

class Download {
  /** Whether what lies in the partial file comes from more than one body. */
  #spliced = false;
  /** Length of the whole file in bytes, as expected or as the host told. */
  #length: number | undefined;
  #furthest = 0;
  readonly #report: (received: number, total: number | undefined, always?: boolean) => void;

  constructor(
    readonly http: Http,
    readonly url: string,
    readonly file: string,
    readonly partial: Partial,
    readonly options: DownloadOptions,
  ) {
    this.#report = progressReporter(url, file, options.onProgress);
  }

  async run(patience: Patience): Promise<void> {
    const { partial, options } = this;
    await retry(() => this.#attempt(), patience, options.signal);
    if (this.#spliced && !this.#isExpected()) {
      // The host may have changed the file unnoticed, or a power cut what was written of it.
      await partial.restart({ url: this.url });
      await retry(() => this.#attempt(), patience, options.signal);
    }
    if (!this.#isExpected()) {
      const { sha256 } = options;
      throw await this.#refuse('HASH', `the SHA-256 ${partial.sha256()} instead of ${sha256}`);
    }
    await partial.commit();
    this.#report(partial.size, partial.size, true);
  }

  async #attempt(): Promise<void> {
    const { partial, options } = this;
    this.#furthest = Math.max(this.#furthest, partial.size);
    if (partial.size > 0 && partial.size === partial.origin.total) {
      this.#spliced = true;
      return;
    }
    const answer = await this.http.send(this.url, {
      headers: { 'accept-encoding': 'identity', ...this.#range() },
      signal: options.signal,
    });
    const told = await this.#accept(answer);
    this.#length = options.size ?? told;
    if (told !== undefined && told !== this.#length) throw await this.#refuseLength(told);
    await checkSpace(this.file, (this.#length ?? 0) - partial.size);
    await this.#receive(answer);
  }

  #range(): Record<string, string> {
    const { size, origin } = this.partial;
    if (size === 0 || origin.validator === undefined) return {};
    return { range: `bytes=${size}-`, 'if-range': origin.validator };
  }

  /**
   * Makes the partial file ready for the body of `answer`, to be continued or begun anew, and gives
   * the length of the whole.
   */
  async #accept(answer: Answer): Promise<number | undefined> {
    const { partial, url } = this;
    const { status, headers } = answer;
    if (status === 200) {
      const total = contentLength(headers);
      await partial.restart({ url, validator: strongValidator(headers), total });
      this.#spliced = false;
      return total;
    }
    const range = contentRange(headers);
    if (status === 206 && range?.start === partial.size) {
      this.#spliced = true;
      return range.total;
    }
    await answer.body.dump();
    if (status !== 206 && status !== 416) throw statusError(answer);
    await partial.restart({ url });
    throw new Transient(this.#notTheRest(answer), { answered: true });
  }

  async #receive(answer: Answer): Promise<void> {
    const { partial } = this;
    const length = this.#length;
    this.#report(partial.size, length, true);
    for await (const piece of this.#pieces(answer)) {
      const size = partial.size + piece.length;
      if (size > (length ?? LONGEST_UNTOLD_BODY)) throw await this.#refuseLength(size);
      await partial.append(piece);
      this.#report(size, length);
    }
    if (partial.size < (length ?? 0)) throw this.#cut('the host closed the connection');
  }

  async *#pieces({ body }: Answer): AsyncGenerator<Uint8Array> {
    try {
      yield* body as AsyncIterable<Uint8Array>;
    } catch (cause) {
      // The iterator of a stream that fails passes over what the stream still holds.
      let held: Uint8Array | null;
      while ((held = body.read() as Uint8Array | null) !== null) yield held;
      throw this.#cut(reason(cause), cause);
    }
  }

  #isExpected(): boolean {
    return this.partial.sha256().startsWith(this.options.sha256);
  }

  #cut(why: string, cause?: unknown): Transient {
    const { size } = this.partial;
    const error = new DownloadError('ERR_SEMISUP_DOWNLOAD_TRUNCATED', {
      what: `${this.url} ended after ${size} of ${this.#length ?? 'an unknown number of'} bytes: ${why}.`,
      remedy: `Try again: what has come so far lies in ${this.file}.part and is continued.`,
      value: this.url,
      cause,
    });
    return new Transient(error, { answered: true, progressed: size >= this.#furthest + PROGRESS });
  }

  #notTheRest({ status, headers }: Answer): DownloadError {
    const range = header(headers, 'content-range') ?? 'no Content-Range';
    return new DownloadError('ERR_SEMISUP_DOWNLOAD_HTTP', {
      what: `${this.url} answered with status ${status} (${range}) instead of the rest of the file.`,
      remedy: 'Try again, or fetch from another host.',
      value: this.url,
    });
  }

  #refuseLength(actual: number): Promise<DownloadError> {
    const expected = this.#length ?? LONGEST_UNTOLD_BODY;
    return this.#refuse('SIZE', `${actual} bytes or more instead of ${expected}`);
  }

  /** Deletes the partial file: these are not the bytes that were asked for. */
  async #refuse(kind: 'SIZE' | 'HASH', has: string): Promise<DownloadError> {
    await this.partial.discard();
    return new DownloadError(`ERR_SEMISUP_DOWNLOAD_${kind}`, {
      what: `The file from ${this.url} has ${has}.`,
      remedy:
        'Nothing of it was kept. Try again; if it stays so, the host or a proxy on the way gives another file than the one expected.',
      value: this.url,
    });
  }
}
