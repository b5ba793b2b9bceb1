import { ImageError } from '../errors';
import { describeError, note } from './terminal';

/** The result or the error of one image. */
export type Outcome<T> =
  | { readonly image: string; readonly result: T; readonly error?: never }
  | { readonly image: string; readonly result?: never; readonly error: ImageError };

/**
 * Processes images one after another. An `ImageError` is printed to standard error and sets the exit code,
 * and the next image is processed; any other error is thrown.
 */
export async function* processImages<T>(
  images: readonly string[],
  callback: (image: string) => Promise<T>,
): AsyncGenerator<Outcome<T>> {
  for (const image of images) {
    try {
      yield { image, result: await callback(image) };
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      process.exitCode = 1;
      note(describeError(error));
      yield { image, error };
    }
  }
}
