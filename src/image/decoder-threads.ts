import { Semaphore } from '../semaphore';
import { rejectOnAbort } from '../native';

/**
 * Decoders run on libuv's thread pool, which has four threads unless `UV_THREADPOOL_SIZE` is set. Half of
 * them stay available to `fs` and `dns`.
 */
const libuvThreads = Number(process.env.UV_THREADPOOL_SIZE) || 4;
const activeDecoders = new Semaphore(Math.max(1, Math.floor(libuvThreads / 2)));

/**
 * A decoder cannot be stopped: once its image was aborted or has exceeded the time limit, it keeps its
 * thread until it ends, but another decoder may start. One thread always stays available to `fs` and `dns`.
 */
const decoderThreads = new Semaphore(Math.max(1, libuvThreads - 1));

/** Thrown when a decoder exceeds the time limit. */
export class DecodeTimeout extends Error {}

/**
 * Runs a decoder as soon as a thread is free for it. Settles as soon as the signal is aborted or the time
 * limit is exceeded, even if the decoder still runs.
 *
 * @param milliseconds the maximum time from the start of the decoder
 * @throws DecodeTimeout if the time limit is exceeded
 */
export async function runDecoder<T>(
  decode: () => Promise<T>,
  milliseconds: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  const run = async () => await rejectOnAbort(signal, limitTime(decode, milliseconds, signal));
  return await activeDecoders.run(run, { signal });
}

async function limitTime<T>(
  decode: () => Promise<T>,
  milliseconds: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const decodeInTime = async () => {
      const timer = setTimeout(() => {
        reject(new DecodeTimeout());
      }, milliseconds);
      try {
        resolve(await decode());
      } finally {
        clearTimeout(timer);
      }
    };
    decoderThreads.run(decodeInTime, { signal }).catch(reject);
  });
}
