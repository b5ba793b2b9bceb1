import { EmbeddingsError } from '../errors';
import { errorReason } from '../net/error-reason';
import { abbreviate } from '../options';

/** The error for embeddings that cannot be written, or read while they are unfinished. */
export function writeError(path: string, cause: unknown): EmbeddingsError {
  return new EmbeddingsError('ERR_SEMISUP_EMBEDDINGS_WRITE', {
    what: `The embeddings '${abbreviate(path)}' could not be written: ${errorReason(cause)}.`,
    remedy:
      'Check the directory, its permissions and its free space, and run the command again: it goes on.',
    value: path,
    cause,
  });
}

/** Awaits an operation on a file of the embeddings `path`; its error becomes `ERR_SEMISUP_EMBEDDINGS_WRITE`. */
export async function guardFile<T>(path: string, operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (cause) {
    throw writeError(path, cause);
  }
}
