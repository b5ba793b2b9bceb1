import { open, type FileHandle } from 'node:fs/promises';
import { IndexError } from '../errors';
import { VectorStore, type ExecutorOptions } from '../native';
import { errorReason } from '../net/error-reason';
import { abbreviate } from '../options';
import { permissionError } from '../permission';
import type { EntryRecord } from './entries';
import { decodeEntries, type IndexDescription } from './entry-section';
import { decodeHeader, entriesOffset, headerBytes, layoutOf, type FileHeader } from './file-header';
import { InvalidIndex, damaged } from './invalid-index';

/** The content of a file. */
export interface IndexFile {
  readonly header: FileHeader;
  readonly description: IndexDescription;
  readonly records: readonly EntryRecord[];
  readonly vectors: VectorStore;
}

/**
 * Reads a file; maps its vectors.
 *
 * @throws IndexError `ERR_SEMISUP_INDEX_NOT_FOUND` if it cannot be read, `ERR_SEMISUP_INDEX_FORMAT` if it is damaged
 */
export async function readIndex(
  path: string,
  { signal, threads }: Pick<ExecutorOptions, 'threads'> & { readonly signal?: AbortSignal },
): Promise<IndexFile> {
  signal?.throwIfAborted();
  try {
    const file = await open(path, 'r');
    try {
      const stats = await file.stat();
      if (!stats.isFile()) throw new InvalidIndex('it is not a file');
      const start = await readAt(file, 0, Math.min(headerBytes, stats.size));
      const header = decodeHeader(start, stats.size);
      const entries = await readAt(file, entriesOffset(header), header.entriesBytes);
      const { count, entriesHash: hash } = header;
      const decoded = await decodeEntries(entries, { count, hash }, signal);
      const vectors = await VectorStore.open(path, start, layoutOf(header), { threads });
      return { header, ...decoded, vectors };
    } finally {
      await file.close();
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw explain(error, path);
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) throw new InvalidIndex('it is truncated');
    done += bytesRead;
  }
  return bytes;
}

function explain(error: unknown, path: string): unknown {
  if (error instanceof InvalidIndex) return damaged(path, error.message, error);
  if (error instanceof IndexError) {
    const problem = error.what.replace(/\.$/, '');
    if (error.code === 'ERR_SEMISUP_INDEX_FORMAT') return damaged(path, problem, error);
    return notFound(path, problem, error);
  }
  // Of the file system.
  if (!(error instanceof Error && 'syscall' in error) && !permissionError('', error)) return error;
  return (
    permissionError(`The index ${path} could not be read`, error) ??
    notFound(path, errorReason(error), error)
  );
}

function notFound(path: string, problem: string, cause: unknown): IndexError {
  return new IndexError('ERR_SEMISUP_INDEX_NOT_FOUND', {
    what: `The index '${abbreviate(path)}' could not be read: ${problem}.`,
    remedy: 'Check the path and its permissions, or create it with semisup index.',
    value: path,
    cause,
  });
}
