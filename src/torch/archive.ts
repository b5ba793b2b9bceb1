import { randomUUID } from 'node:crypto';
import { rename, rm, stat } from 'node:fs/promises';
import { statSync, type Stats } from 'node:fs';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { ModelError } from '../errors';
import { wrongValue } from '../options';

/** A TorchScript archive: a file's path or URL, its bytes, or a stream of them. */
export type ArchiveSource = string | URL | Uint8Array | Readable;

/** An archive as the binding takes it, and what to call it in messages. */
export interface Archive {
  readonly content: string | Uint8Array;
  readonly name: string;
}

/** An archive that can be read at once. @throws ModelError if there is no such file */
export function toArchiveSync(source: Exclude<ArchiveSource, Readable>): Archive {
  if (source instanceof Uint8Array) return fromBytes(source);
  const path = toPath(source);
  try {
    checkIsFile(path, statSync(path));
  } catch (error) {
    throw error instanceof ModelError ? error : unreadable(path, error);
  }
  return { content: resolve(path), name: path };
}

/** An archive, read to its end if it is a stream. @throws ModelError if there is no such file */
export async function toArchive(source: ArchiveSource, signal?: AbortSignal): Promise<Archive> {
  if (source instanceof Uint8Array) return fromBytes(source);
  if (isStream(source)) return fromBytes(await readAll(source, signal));
  const path = toPath(source);
  const stats = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  checkIsFile(path, stats);
  return { content: resolve(path), name: path };
}

/**
 * Writes a file by way of a temporary one beside it.
 *
 * @throws ModelError (`ERR_SEMISUP_MODEL_WRITE`) if it cannot be written
 */
export async function writeArchive(
  path: string,
  write: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = `${resolve(path)}.${randomUUID()}.tmp`;
  try {
    await write(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    const { message } = error as Error;
    if (!(error instanceof ModelError) && !('syscall' in (error as Error))) throw error;
    throw new ModelError('ERR_SEMISUP_MODEL_WRITE', {
      what: `'${path}' could not be written: ${error instanceof ModelError ? error.what : `${message}.`}`,
      todo: 'Check the folder, its rights and its free space.',
      value: path,
      cause: error,
    });
  }
}

/** Names the archive in what the binding says of it. */
export function withName(error: unknown, { name }: Archive): unknown {
  if (!(error instanceof ModelError)) return error;
  return new ModelError(error.code, {
    what: `${name} could not be loaded as TorchScript: ${error.what}`,
    todo: error.todo,
    value: name,
    cause: error,
  });
}

function fromBytes(bytes: Uint8Array): Archive {
  if ('resizable' in bytes.buffer && bytes.buffer.resizable) {
    throw wrongValue('the bytes of an archive', 'a buffer that cannot be resized', bytes.buffer);
  }
  return { content: bytes, name: `The buffer of ${bytes.length} bytes` };
}

function isStream(source: unknown): source is Readable {
  return typeof source === 'object' && source !== null && Symbol.asyncIterator in source;
}

async function readAll(stream: Readable, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) {
    signal?.throwIfAborted();
    if (!(piece instanceof Uint8Array)) throw wrongValue('a piece of a stream', 'bytes', piece);
    pieces.push(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
  }
  return Buffer.concat(pieces);
}

function toPath(source: unknown): string {
  if (source instanceof URL && source.protocol === 'file:') return fileURLToPath(source);
  if (typeof source === 'string' && source !== '') return source;
  throw wrongValue('a TorchScript archive', 'a path, a file URL, bytes or a stream', source);
}

function checkIsFile(path: string, stats: Stats): void {
  if (stats.isFile()) return;
  throw new ModelError('ERR_SEMISUP_MODEL_NOT_FOUND', {
    what: `'${path}' is no file.`,
    todo: 'Pass the path of a TorchScript archive.',
    value: path,
  });
}

function unreadable(path: string, cause: unknown): ModelError {
  return new ModelError('ERR_SEMISUP_MODEL_NOT_FOUND', {
    what: `The model file '${path}' cannot be read: ${(cause as Error).message}.`,
    todo: 'Check the path and the rights of the file.',
    value: path,
    cause,
  });
}
