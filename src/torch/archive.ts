import { access, rename, rm, stat } from 'node:fs/promises';
import { constants, statSync, type Stats } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { isUint8Array } from 'node:util/types';
import { ModelError, SemisupError } from '../errors';
import { rejectOnAbort } from '../native';
import { errorReason } from '../net/error-reason';
import { abbreviate, describeThrown, guardGetters, invalidArgument } from '../options';
import { isResizable } from '../buffers';
import { removeAbandoned, temporaryPath } from '../net/temporary-file';

/** A TorchScript archive: the path or URL of a file, its bytes, or a stream of them. */
export type ArchiveSource = string | URL | Uint8Array | Readable;

/** An archive in the form that the addon accepts, and its name in messages. */
export interface Archive {
  readonly content: string | Uint8Array;
  readonly name: string;
}

/** Resolves an archive that is not a stream. @throws ModelError if the file does not exist */
export function toArchiveSync(source: Exclude<ArchiveSource, Readable>): Archive {
  if (isUint8Array(source)) return fromBytes(source);
  const path = toPath(source);
  try {
    checkIsFile(path, statSync(path));
  } catch (error) {
    throw error instanceof ModelError ? error : readError(path, error);
  }
  return { content: resolve(path), name: path };
}

/**
 * Resolves an archive. A stream is read to its end.
 *
 * @throws ModelError if the file does not exist, or the stream fails
 */
export async function toArchive(source: ArchiveSource, signal?: AbortSignal): Promise<Archive> {
  if (isUint8Array(source)) return fromBytes(source);
  if (isStream(source)) {
    const bytes = await rejectOnAbort(signal, readAll(source), () => source.destroy?.());
    return fromBytes(bytes);
  }
  const path = toPath(source);
  const stats = await stat(path).catch((error: unknown) => {
    throw readError(path, error);
  });
  checkIsFile(path, stats);
  return { content: resolve(path), name: path };
}

/**
 * Writes a file atomically: to a temporary file in the same directory, which is then renamed. Removes what
 * processes left that were killed while they wrote it.
 *
 * @throws ModelError (`ERR_SEMISUP_MODEL_WRITE`) if it cannot be written
 * @throws OptionError if `path` is not a path
 */
export async function writeFileAtomically(
  path: string | URL,
  write: (temporary: string) => Promise<void>,
): Promise<void> {
  const target = resolve(toPath(path));
  await removeAbandoned(target);
  const temporary = temporaryPath(target);
  try {
    await write(temporary);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    if (error instanceof SemisupError && !(error instanceof ModelError)) throw error;
    const reason = error instanceof ModelError ? error.what : `${errorReason(error)}.`;
    throw writeError(target, reason, error);
  }
}

/** Checks before long work whether its result could be written. @throws ModelError as `writeFileAtomically` */
export async function checkWritable(path: string): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (stats && !stats.isFile()) throw writeError(path, 'It exists and is not a file.', undefined);
  try {
    await access(dirname(path), constants.W_OK);
  } catch (error) {
    throw writeError(path, `${errorReason(error)}.`, error);
  }
}

function writeError(path: string, reason: string, cause: unknown): ModelError {
  return new ModelError('ERR_SEMISUP_MODEL_WRITE', {
    what: `'${abbreviate(path)}' could not be written: ${reason}`,
    remedy: 'Check the directory, its permissions and its free space.',
    value: path,
    cause,
  });
}

function fromBytes(bytes: Uint8Array): Archive {
  if (isResizable(bytes.buffer)) {
    throw invalidArgument('the bytes of an archive', 'a non-resizable buffer', bytes.buffer);
  }
  return { content: bytes, name: `The buffer of ${bytes.length} bytes` };
}

function isStream(source: unknown): source is Readable {
  if (typeof source !== 'object' || source === null) return false;
  return guardGetters('the TorchScript archive', source, () => Symbol.asyncIterator in source);
}

async function readAll(stream: Readable): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of stream) {
      if (!isUint8Array(chunk)) throw invalidArgument('a chunk of a stream', 'a Uint8Array', chunk);
      chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    }
    return Buffer.concat(chunks);
  } catch (cause) {
    if (cause instanceof SemisupError) throw cause;
    throw new ModelError('ERR_SEMISUP_MODEL_NOT_FOUND', {
      what: `The model stream could not be read: ${describeThrown(cause)}.`,
      remedy: 'Check the source of the stream.',
      value: stream,
      cause,
    });
  }
}

function toPath(source: unknown): string {
  return guardGetters('the TorchScript archive', source, () => pathOf(source));
}

function pathOf(source: unknown): string {
  const path = source instanceof URL ? fromUrl(source) : source;
  // The operating system would truncate the path at a null byte.
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return path;
  throw invalidArgument('a TorchScript archive', 'a path, a file URL, bytes or a stream', source);
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
    what: `'${abbreviate(path)}' is not a file.`,
    remedy: 'Pass the path of a TorchScript archive.',
    value: path,
  });
}

function readError(path: string, cause: unknown): ModelError {
  return new ModelError('ERR_SEMISUP_MODEL_NOT_FOUND', {
    what: `The model file '${abbreviate(path)}' could not be read: ${abbreviate(errorReason(cause))}.`,
    remedy: 'Check the path and the permissions of the file.',
    value: path,
    cause,
  });
}
