import { open, type FileHandle } from 'node:fs/promises';
import { Parser, type ReadEntry } from 'tar';
import { DatasetError } from '../errors';
import { unreadable } from './errors';

/** A file in an archive. */
export interface TarEntry {
  /** Its path within the archive, without a leading `./`. */
  readonly name: string;
  /** Undefined if it is larger than `maxBytes`. */
  readonly bytes: Buffer | undefined;
}

/** Options of `readTar`. */
export interface TarOptions {
  /** Whether an entry is read; others are passed over. */
  readonly wanted: (name: string) => boolean;
  /** Larger entries are not read into memory. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
}

const chunkBytes = 256 * 1024;
/** The warnings of the parser that mean that bytes were lost. */
const fatal = new Set(['TAR_BAD_ARCHIVE', 'TAR_ENTRY_INVALID', 'TAR_ENTRY_ERROR', 'TAR_ABORT']);

/**
 * Reads the files of a `.tar` or `.tar.gz` one after another, without unpacking it. Only the entries that a chunk of the
 * archive completes are in memory.
 *
 * @throws DatasetError if it cannot be read, is damaged, or ends early
 */
export async function* readTar(path: string, options: TarOptions): AsyncGenerator<TarEntry> {
  const file = await open(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  try {
    yield* parse(path, file, options);
  } finally {
    await file.close();
  }
}

async function* parse(
  path: string,
  file: FileHandle,
  { wanted, maxBytes, signal }: TarOptions,
): AsyncGenerator<TarEntry> {
  const complete: TarEntry[] = [];
  let problem: string | undefined;
  let hasEnded = false;
  const parser = new Parser({
    onReadEntry: (entry: ReadEntry) => {
      const name = entry.path.replace(/^(\.\/)+/, '');
      if (entry.type !== 'File' || !wanted(name)) {
        entry.resume();
        return;
      }
      if (entry.size > maxBytes) {
        complete.push({ name, bytes: undefined });
        entry.resume();
        return;
      }
      const chunks: Buffer[] = [];
      entry.on('data', (chunk) => chunks.push(chunk));
      entry.on('end', () => complete.push({ name, bytes: Buffer.concat(chunks) }));
    },
    onwarn: (code, message) => {
      if (fatal.has(code)) problem ??= message;
    },
  });
  parser.on('eof', () => {
    hasEnded = true;
  });
  parser.on('error', (error: Error) => {
    problem ??= error.message;
  });
  const ended = nextOf(parser, 'end');
  for await (const chunk of chunksOf(path, file)) {
    signal?.throwIfAborted();
    if (!parser.write(chunk)) await nextOf(parser, 'drain');
    yield* complete.splice(0);
    if (problem !== undefined) throw damaged(path, problem);
  }
  parser.end();
  await ended;
  yield* complete.splice(0);
  if (problem !== undefined) throw damaged(path, problem);
  // Two blocks of zeros mark the end of an archive.
  if (!hasEnded) throw damaged(path, 'its end is missing');
}

async function* chunksOf(path: string, file: FileHandle): AsyncGenerator<Buffer> {
  for (;;) {
    // A new buffer each time: entries refer to it until they are complete.
    const { bytesRead, buffer } = await file
      .read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes)
      .catch((cause: unknown) => {
        throw unreadable(path, cause);
      });
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Resolves at an event of a parser, or when it has ended early. */
async function nextOf(parser: Parser, event: 'drain' | 'end'): Promise<void> {
  const names = [event, 'end', 'close', 'abort', 'error'];
  await new Promise<void>((resolve) => {
    const settle = () => {
      for (const name of names) parser.off(name, settle);
      resolve();
    };
    for (const name of names) parser.on(name, settle);
  });
}

function damaged(path: string, problem: string): DatasetError {
  return new DatasetError('ERR_SEMISUP_DATASET_TRUNCATED', {
    what: `The archive ${path} is damaged or was cut short: ${problem}.`,
    remedy: 'Copy or download it again.',
    value: path,
  });
}
