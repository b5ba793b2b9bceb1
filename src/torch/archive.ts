import { randomUUID } from 'node:crypto';
import { rename, rm, stat } from 'node:fs/promises';
import { statSync, type Stats } from 'node:fs';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { isUint8Array } from 'node:util/types';
import { ModelError, SemisupError } from '../errors';
import { invalidValue } from '../options';
import { whenAborted } from './abort';

/** A TorchScript archive: a file's path or URL, its bytes, or a stream of them. */
export type ArchiveSource = string | URL | Uint8Array | Readable;

/** An archive as the binding takes it, and what to call it in messages. */
export interface Archive {
  readonly content: string | Uint8Array;
  readonly name: string;
}

/** An archive that can be read at once. @throws ModelError if there is no such file */
export function toArchiveSync(source: Exclude<ArchiveSource, Readable>): Archive {
  if (isUint8Array(source)) return fromBytes(source);
  const path = toPath(source);
  try {
    checkIsFile(path, statSync(path));
  } catch (error) {
    throw error instanceof ModelError ? error : unreadable(path, error);
  }
  return { content: resolve(path), name: path };
}

/**
 * An archive, read to its end if it is a stream.
 *
 * @throws ModelError if there is no such file, or the stream fails
 */
export async function toArchive(source: ArchiveSource, signal?: AbortSignal): Promise<Archive> {
  if (isUint8Array(source)) return fromBytes(source);
  if (isStream(source)) {
    const bytes = await whenAborted(signal, readAll(source), () => source.destroy?.());
    return fromBytes(bytes);
  }
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
 * @throws OptionError if it is no path
 */
export async function writeArchive(
  path: string | URL,
  write: (temporary: string) => Promise<void>,
): Promise<void> {
  const target = resolve(toPath(path));
  const temporary = `${target}.${randomUUID()}.tmp`;
  try {
    await write(temporary);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    if (error instanceof SemisupError && !(error instanceof ModelError)) throw error;
    const reason = error instanceof ModelError ? error.what : `${(error as Error).message}.`;
    throw new ModelError('ERR_SEMISUP_MODEL_WRITE', {
      what: `'${target}' could not be written: ${reason}`,
      remedy: 'Check the folder, its rights and its free space.',
      value: target,
      cause: error,
    });
  }
}

/** Names the archive in what the binding says of it. */
export function withName(error: unknown, { name }: Archive): unknown {
  if (!(error instanceof ModelError)) return error;
  return new ModelError(error.code, {
    what: `${name} could not be loaded as TorchScript: ${error.what}`,
    remedy: error.remedy,
    value: name,
    cause: error,
  });
}

function fromBytes(bytes: Uint8Array): Archive {
  if ('resizable' in bytes.buffer && bytes.buffer.resizable) {
    throw invalidValue('the bytes of an archive', 'a buffer that cannot be resized', bytes.buffer);
  }
  return { content: bytes, name: `The buffer of ${bytes.length} bytes` };
}

function isStream(source: unknown): source is Readable {
  return typeof source === 'object' && source !== null && Symbol.asyncIterator in source;
}

async function readAll(stream: Readable): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  try {
    for await (const piece of stream) {
      if (!isUint8Array(piece)) throw invalidValue('a piece of a stream', 'bytes', piece);
      pieces.push(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
    }
    return Buffer.concat(pieces);
  } catch (cause) {
    if (cause instanceof SemisupError) throw cause;
    throw new ModelError('ERR_SEMISUP_MODEL_NOT_FOUND', {
      what: `The stream of a model could not be read: ${cause instanceof Error ? cause.message : String(cause)}.`,
      remedy: 'Check where the stream comes from.',
      value: stream,
      cause,
    });
  }
}

function toPath(source: unknown): string {
  const path = source instanceof URL ? fromUrl(source) : source;
  // The system would take what stands before a null byte for the whole.
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return path;
  throw invalidValue('a TorchScript archive', 'a path, a file URL, bytes or a stream', source);
}

function fromUrl(url: URL): string | undefined {
  try {
    return fileURLToPath(url);
  } catch {
    return undefined;
  }
}

function checkIsFile(path: string, stats: Stats): void {
  if (stats.isFile()) return;
  throw new ModelError('ERR_SEMISUP_MODEL_NOT_FOUND', {
    what: `'${path}' is no file.`,
    remedy: 'Pass the path of a TorchScript archive.',
    value: path,
  });
}

function unreadable(path: string, cause: unknown): ModelError {
  return new ModelError('ERR_SEMISUP_MODEL_NOT_FOUND', {
    what: `The model file '${path}' cannot be read: ${(cause as Error).message}.`,
    remedy: 'Check the path and the rights of the file.',
    value: path,
    cause,
  });
}
