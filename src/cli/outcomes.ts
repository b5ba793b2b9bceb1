import { ImageError } from '../errors';
import { describeError, note } from './terminal';

/** What became of one image. */
export type Outcome<T> =
  | { readonly image: string; readonly answer: T; readonly error?: never }
  | { readonly image: string; readonly answer?: never; readonly error: ImageError };

/**
 * Asks something of each image in turn. One that is missing or damaged is told of on standard error,
 * and makes the command fail in the end; every other error ends it.
 */
export async function* outcomes<T>(
  images: readonly string[],
  ask: (image: string) => Promise<T>,
): AsyncGenerator<Outcome<T>> {
  for (const image of images) {
    try {
      yield { image, answer: await ask(image) };
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      process.exitCode = 1;
      note(describeError(error));
      yield { image, error };
    }
  }
}
