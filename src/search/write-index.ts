import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { IndexError } from '../errors';
import type { VectorStore, VectorPrecision } from '../native';
import { errorReason } from '../net/error-reason';
import { removeAbandoned, temporaryPath } from '../net/temporary-file';
import { abbreviate } from '../options';
import { permissionError } from '../permission';
import type { EntryTable } from './entries';
import { encodeEntries, type IndexDescription } from './entry-section';
import { encodeHeader, maxEntriesBytes, rowBytes, vectorsOffset } from './file-header';

/** What a file is written from. */
export interface IndexContent {
  readonly precision: VectorPrecision;
  readonly dimensions: number;
  readonly description: IndexDescription;
  readonly entries: EntryTable;
  readonly vectors: VectorStore;
}

/** The size of a buffer for vectors. */
const bufferBytes = 8 << 20;

/**
 * Writes a file atomically: to a temporary file in the same directory, which is then renamed. Even if the system
 * crashes, the path has either the previous file or the complete new one. Neither the entries nor the vectors may
 * change meanwhile.
 *
 * @throws IndexError `ERR_SEMISUP_INDEX_WRITE` if it cannot be written
 */
export async function writeIndex(
  target: string,
  content: IndexContent,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted();
  await removeAbandoned(target);
  const temporary = temporaryPath(target);
  try {
    const file = await open(temporary, 'wx');
    try {
      await writeContent(file, content, signal);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    signal?.throwIfAborted();
    throw explain(error, target);
  }
  await syncDirectory(dirname(target));
}

async function writeContent(
  file: FileHandle,
  content: IndexContent,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { precision, dimensions, description, entries } = content;
  const { parts, bytes, hash } = await encodeEntries(description, entries.records(), signal);
  if (bytes > maxEntriesBytes) throw new RangeError('the ids and metadata exceed 2 GiB');
  const header = encodeHeader({
    ...{ precision, dimensions, count: entries.size, entriesBytes: bytes, entriesHash: hash },
  });
  await writeAll(file, Buffer.concat([header], vectorsOffset));
  await writeVectors(file, content, signal);
  for (const part of parts) await writeAll(file, part);
}

async function writeVectors(
  file: FileHandle,
  { precision, dimensions, entries, vectors }: IndexContent,
  signal: AbortSignal | undefined,
): Promise<void> {
  const length = rowBytes(precision, dimensions);
  const rowsPerBuffer = Math.max(1, Math.floor(bufferBytes / length));
  const buffer = Buffer.allocUnsafe(Math.min(rowsPerBuffer, entries.rows) * length);
  for (let first = 0; first < entries.rows; first += rowsPerBuffer) {
    signal?.throwIfAborted();
    const count = Math.min(rowsPerBuffer, entries.rows - first);
    await vectors.read(first, count, buffer.subarray(0, count * length));
    let kept = 0;
    for (let i = 0; i < count; i++) {
      if (!entries.isLive(first + i)) continue;
      if (kept < i) buffer.copyWithin(kept * length, i * length, (i + 1) * length);
      kept++;
    }
    await writeAll(file, buffer.subarray(0, kept * length));
  }
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  let done = 0;
  while (done < bytes.length) done += (await file.write(bytes, done)).bytesWritten;
}

/** Makes a rename durable. Not all systems can open a directory; then the system's own schedule has to do. */
async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch {
    // The file itself is complete.
  }
}

function explain(error: unknown, path: string): unknown {
  const isLocal = error instanceof RangeError;
  if (!isLocal && !(error instanceof Error && 'syscall' in error)) {
    return permissionError(`The index ${path} could not be written`, error) ?? error;
  }
  return new IndexError('ERR_SEMISUP_INDEX_WRITE', {
    what: `The index '${abbreviate(path)}' could not be written: ${errorReason(error)}.`,
    remedy: 'Check the directory, its permissions and its free space.',
    value: path,
    cause: error,
  });
}
