import { ImageError, OptionError } from '../errors';

/** The error of one image: it is missing, corrupt, invalid or exceeds a limit. */
export type ImageFailure = ImageError | OptionError;

/** Whether a result is the error of its image. */
export function isImageFailure(result: unknown): result is ImageFailure {
  return result instanceof ImageError || result instanceof OptionError;
}

/**
 * States the position of the image that an error belongs to in the error.
 *
 * @returns undefined if it is not the error of an image
 */
export function locateFailure(error: unknown, index: number): ImageFailure | undefined {
  if (!isImageFailure(error)) return undefined;
  // The other images of the call are aborted with the error of the first failed one.
  if (error.index !== undefined) return error;
  error.index = index;
  error.message = `images[${index}]: ${error.message}`;
  return error;
}

/** The code and the message of an error, without the position in the call that `locateFailure` states. */
export function withoutPosition({ code, what, remedy }: ImageFailure): {
  readonly code: string;
  readonly message: string;
} {
  return { code, message: `${what} ${remedy}` };
}
