import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Conditions } from '../conditions';
import { RowsFile } from '../embeddings';
import { EmbeddingsError } from '../errors';
import { userCache } from '../libtorch';
import { withLock } from '../net/lock';
import { checkTrusted } from '../trust/trusted-path';

/**
 * Runs `work` with the cached embeddings of a model, by the SHA-256 of the image. They are appended as they are computed,
 * each with a checksum, so that those of a process that was killed remain. A second process waits.
 *
 * @param conditions all that the embeddings depend on
 * @throws EmbeddingsError if the cache cannot be read or written
 * @throws CacheError if another user could have written it
 */
export async function withEmbeddingCache<T>(
  conditions: Conditions,
  signal: AbortSignal | undefined,
  work: (rows: RowsFile, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const hash = createHash('sha256').update(JSON.stringify(conditions)).digest('hex');
  const path = join(userCache(), 'embeddings', `${hash.slice(0, 32)}.rows`);
  checkTrusted(path);
  const task = async (locked: AbortSignal) => {
    const rows = await RowsFile.open(path, conditions);
    try {
      return await work(rows, locked);
    } finally {
      await rows.close();
    }
  };
  const toError = (error: Error) =>
    new EmbeddingsError('ERR_SEMISUP_EMBEDDINGS_WRITE', {
      what: `The cache of embeddings '${path}' could not be locked: ${error.message}`,
      remedy: 'Check the directory and its permissions, or set XDG_CACHE_HOME to another.',
      value: path,
      cause: error,
    });
  return await withLock(`${path}.lock`, task, { signal, toError });
}
