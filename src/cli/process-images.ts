import { DownloadError, ImageError } from '../errors';
import type { ImageInput } from '../image';
import { expandImages } from './image-arguments';
import { describeError, note } from './terminal';

/** The result or the error of one image. */
export type Outcome<T> =
  | { readonly image: string; readonly result: T; readonly error?: never }
  | {
      readonly image: string;
      readonly result?: never;
      readonly error: ImageError | DownloadError;
    };

/**
 * Processes the images that arguments name, one after another. The error of an image is printed to standard
 * error and sets the exit code, and the next image is processed; any other error is thrown.
 */
export async function* processImages<T>(
  names: readonly string[],
  callback: (image: ImageInput) => Promise<T>,
): AsyncGenerator<Outcome<T>> {
  for await (const { name, read } of expandImages(names)) {
    try {
      yield { image: name, result: await callback(read()) };
    } catch (error) {
      if (!(error instanceof ImageError || error instanceof DownloadError)) throw error;
      process.exitCode = 1;
      note(describeError(error));
      yield { image: name, error };
    }
  }
}
