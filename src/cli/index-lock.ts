import { IndexError } from '../errors';
import { errorReason } from '../net/error-reason';
import { withLock } from '../net/lock';
import { abbreviate } from '../options';

/**
 * Runs `fn`, which reads, changes and replaces the index `path`, while no other process does: what the other one adds
 * between the reading and the replacing would be lost. Waits for another process, with the warning `SEMISUP_LOCK`.
 *
 * @param fn receives a signal that aborts when `signal` does, or with a `LockError` if another process took over the lock
 * @throws IndexError `ERR_SEMISUP_INDEX_WRITE` if the lock cannot be created next to the index
 */
export async function withIndexLock<T>(
  path: string,
  signal: AbortSignal,
  fn: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return await withLock(`${path}.lock`, fn, {
    signal,
    toError: (error) =>
      new IndexError('ERR_SEMISUP_INDEX_WRITE', {
        what: `The index '${abbreviate(path)}' could not be locked: ${errorReason(error.cause ?? error)}.`,
        remedy: 'Check the directory, its permissions and its free space.',
        value: path,
        cause: error,
      }),
  });
}
