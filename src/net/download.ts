import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DownloadError } from '../errors';
import { checkSpace, guardWrite } from './disk';
import { contentLength, contentRange, header, strongValidator } from './headers';
import { HttpClient, statusError, type HttpResponse, type Network } from './http';
import { PartialFile } from './partial-file';
import { createProgressReporter, type DownloadProgress } from './progress';
import { errorReason } from './error-reason';
import { defaultRetryPolicy, retry, RetryableError, type RetryPolicy } from './retry';

export type { DownloadProgress } from './progress';

export interface DownloadOptions {
  /** The expected SHA-256 in hex digits: all 64, or a prefix as in torch.hub's file names. */
  readonly sha256: string;
  /** The expected size in bytes, if known. */
  readonly size?: number;
  readonly signal?: AbortSignal;
  /** Called at the start, at the end, and at most ten times a second in between. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Proxy and certificate settings that override the environment's. */
  readonly network?: Network;
  /** @internal */
  readonly retryPolicy?: RetryPolicy;
}

/** The maximum length of a body whose length is not known in advance; more than twice the largest model file. */
const MAX_BODY_LENGTH = 2 * 2 ** 30;
/** Bytes per second, averaged over the idle timeout. A slower server counts as one that sends nothing. */
const MIN_RATE = 1024;
/** An attempt that received at least this many new bytes resets the count of failures. */
const MIN_PROGRESS = 2 ** 20;

/**
 * Downloads `url` (http or https, through the environment's proxies) to `file`. The body is written
 * to `<file>.part`, which is renamed to `file` once it is complete and its SHA-256 matches. A later
 * call resumes a partial file, even from another process. Two processes must not download the same
 * file concurrently: hold a lock (`withLock`).
 *
 * @throws DownloadError `…_HTTP` for an error status, `…_NETWORK` if there is no response,
 *   `…_TRUNCATED` if the body repeatedly ends early, `…_SIZE` and `…_HASH` if it differs from what
 *   was expected (the partial file is deleted), `…_DISK` if the file cannot be written.
 *   `signal.reason` after an abort; the partial file is kept.
 */
export async function download(url: string, file: string, options: DownloadOptions): Promise<void> {
  const { signal } = options;
  signal?.throwIfAborted();
  const retryPolicy = options.retryPolicy ?? defaultRetryPolicy;
  const directory = dirname(file);
  await guardWrite(file, mkdir(directory, { recursive: true, mode: 0o775 }));
  const http = HttpClient.open(retryPolicy.idleTimeout, options.network);
  try {
    const partial = await PartialFile.open(file, url, signal);
    try {
      await new Download(http, url, file, partial, options, retryPolicy).run();
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
  /** Whether the partial file contains bytes that an earlier attempt or process wrote. */
  #isResumed = false;
  /** Length of the whole file in bytes: the expected one, or else the one that the server reported. */
  #length: number | undefined;
  /** The largest size of the partial file at the start of an attempt. */
  #sizeReached = 0;
  readonly #report: (received: number, total: number | undefined, always?: boolean) => void;

  constructor(
    readonly http: HttpClient,
    readonly url: string,
    readonly file: string,
    readonly partial: PartialFile,
    readonly options: DownloadOptions,
    readonly retryPolicy: RetryPolicy,
  ) {
    this.#report = createProgressReporter(url, file, options.onProgress);
  }

  async run(): Promise<void> {
    const { partial, options, retryPolicy } = this;
    // A process was killed just before it could rename the complete file.
    const isComplete = partial.size > 0 && this.#isExpected();
    if (!isComplete) await retry(() => this.#attempt(), retryPolicy, options.signal);
    if (this.#isResumed && !this.#isExpected()) {
      // The server may have replaced the file without changing its ETag or Last-Modified, or a power failure
      // may have corrupted the partial file. Download it again from the start.
      await partial.restart({ url: this.url });
      await retry(() => this.#attempt(), retryPolicy, options.signal);
    }
    if (!this.#isExpected()) {
      const { sha256 } = options;
      throw await this.#reject(
        'HASH',
        `Expected SHA-256 ${sha256} for ${this.url}, but received ${partial.sha256()}.`,
      );
    }
    await partial.commit();
    this.#report(partial.size, partial.size, true);
  }

  async #attempt(): Promise<void> {
    const { partial, options } = this;
    this.#sizeReached = Math.max(this.#sizeReached, partial.size);
    if (partial.size > 0 && partial.size === partial.origin.total) {
      this.#isResumed = true;
      return;
    }
    const response = await this.http.send(this.url, {
      headers: { 'accept-encoding': 'identity', ...this.#range() },
      signal: options.signal,
    });
    const reported = await this.#accept(response);
    this.#length = options.size ?? reported;
    if (reported !== undefined && reported !== this.#length) {
      throw await this.#reject(
        'SIZE',
        `${this.url} has ${reported} bytes instead of ${this.#length}.`,
      );
    }
    await checkSpace(this.file, (this.#length ?? 0) - partial.size);
    await this.#receive(response);
  }

  #range(): Record<string, string> {
    const { size, origin } = this.partial;
    if (size === 0 || origin.validator === undefined) return {};
    return { range: `bytes=${size}-`, 'if-range': origin.validator };
  }

  /**
   * Resumes or restarts the partial file, depending on the response; rejects other responses.
   *
   * @returns the length of the whole file in bytes, if the server reports it
   */
  async #accept(response: HttpResponse): Promise<number | undefined> {
    const { partial, url } = this;
    const { status, headers } = response;
    if (status === 200) {
      const total = contentLength(headers);
      await partial.restart({ url, validator: strongValidator(headers), total });
      this.#isResumed = false;
      return total;
    }
    const range = contentRange(headers);
    if (status === 206 && range?.start === partial.size) {
      this.#isResumed = true;
      return range.total;
    }
    await response.body.dump();
    if (status !== 206 && status !== 416) throw statusError(response);
    await partial.restart({ url });
    throw new RetryableError(this.#rangeError(response), { responded: true });
  }

  async #receive(response: HttpResponse): Promise<void> {
    const { partial } = this;
    const length = this.#length;
    this.#report(partial.size, length, true);
    const rate = new RateCheck(this.retryPolicy.idleTimeout);
    for await (const chunk of this.#chunks(response)) {
      if (rate.isTooSlow(chunk.length)) {
        response.body.destroy();
        throw this.#truncatedError(new Error(`it sends less than ${MIN_RATE} bytes per second`));
      }
      const size = partial.size + chunk.length;
      const limit = length ?? MAX_BODY_LENGTH;
      if (size > limit) {
        throw await this.#reject('SIZE', `${this.url} sent more than ${limit} bytes.`);
      }
      await partial.append(chunk);
      this.#report(size, length);
    }
    if (partial.size < (length ?? 0)) throw this.#truncatedError();
  }

  async *#chunks({ body }: HttpResponse): AsyncGenerator<Uint8Array> {
    try {
      yield* body as AsyncIterable<Uint8Array>;
    } catch (cause) {
      // The iterator of a stream that errors drops the buffered chunks. Read them, so that a retry
      // resumes after them.
      let chunk: Uint8Array | null;
      while ((chunk = body.read() as Uint8Array | null) !== null) yield chunk;
      throw this.#truncatedError(cause);
    }
  }

  #isExpected(): boolean {
    return this.partial.sha256().startsWith(this.options.sha256);
  }

  #truncatedError(cause?: unknown): RetryableError {
    const { size } = this.partial;
    const reason = cause === undefined ? '' : `: ${errorReason(cause)}`;
    const error = new DownloadError('ERR_SEMISUP_DOWNLOAD_TRUNCATED', {
      what: `${this.url} ended after ${size} of ${this.#length ?? 'an unknown number of'} bytes${reason}.`,
      remedy: `Try again: the download resumes from ${this.file}.part.`,
      value: this.url,
      cause,
    });
    return new RetryableError(error, {
      responded: true,
      progressed: size >= this.#sizeReached + MIN_PROGRESS,
    });
  }

  #rangeError({ status, headers }: HttpResponse): DownloadError {
    const range = header(headers, 'content-range') ?? 'no Content-Range';
    return new DownloadError('ERR_SEMISUP_DOWNLOAD_HTTP', {
      what: `${this.url} responded with status ${status} (${range}) instead of the requested range.`,
      remedy: 'Try again, or download from another server.',
      value: this.url,
    });
  }

  /** Deletes the partial file, and returns the error for a body of the wrong size or hash. */
  async #reject(kind: 'SIZE' | 'HASH', what: string): Promise<DownloadError> {
    await this.partial.discard();
    return new DownloadError(`ERR_SEMISUP_DOWNLOAD_${kind}`, {
      what,
      remedy:
        'Try again. If the error persists, check whether the server or a proxy sends a different file.',
      value: this.url,
    });
  }
}

/** Detects a server that sends a few bytes now and then, for which the idle timeout would wait for years. */
class RateCheck {
  #start = performance.now();
  #received = 0;

  /** @param window in milliseconds */
  constructor(readonly window: number) {}

  isTooSlow(bytes: number): boolean {
    this.#received += bytes;
    const elapsed = performance.now() - this.#start;
    if (elapsed < this.window) return false;
    const isTooSlow = this.#received < (MIN_RATE * elapsed) / 1000;
    this.#start = performance.now();
    this.#received = 0;
    return isTooSlow;
  }
}
