import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { isUint8Array } from 'node:util/types';
import { ImageError, SemisupError } from '../errors';
import { errorReason } from '../net/error-reason';
import { abbreviate, guardGetters, invalidValue } from '../options';
import type { ImageSource, ImageStream } from './input';

/** An encoded image in memory, and its name in messages. */
export interface EncodedFile {
  readonly name: string;
  readonly bytes: Buffer;
}

/**
 * Reads an encoded image into memory.
 *
 * @param maxBytes the limit on its size
 * @throws ImageError if it is missing, too large or cannot be read
 */
export async function readEncoded(
  source: Exclude<ImageSource, { sharp: unknown } | { pixels: unknown }>,
  maxBytes: number,
  signal: AbortSignal | undefined,
): Promise<EncodedFile> {
  if ('path' in source) {
    const name = abbreviate(source.path);
    return { name, bytes: await readPath(source.path, name, maxBytes, signal) };
  }
  if ('stream' in source) return await readStream(source.stream, maxBytes, signal);
  const isBlob = 'blob' in source;
  const { size, name } = guardGetters('the image', source, () => {
    const size = isBlob ? source.blob.size : source.bytes.length;
    return { size, name: isBlob ? nameOfBlob(source.blob) : `The buffer of ${size} bytes` };
  });
  checkSize(name, size, maxBytes);
  return { name, bytes: isBlob ? await readBlob(source.blob, name) : source.bytes };
}

async function readBlob(blob: Blob, name: string): Promise<Buffer> {
  try {
    return Buffer.from(await blob.arrayBuffer());
  } catch (cause) {
    // The file of a blob may be gone.
    throw readError(blob, name, cause);
  }
}

function nameOfBlob(blob: Blob): string {
  return 'name' in blob ? abbreviate(String(blob.name)) : `The blob of ${blob.size} bytes`;
}

// sharp caches files by path, and would return the old pixels of an overwritten file: read it here.
async function readPath(
  path: string,
  name: string,
  maxBytes: number,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  try {
    // Not `await using`: Yarn's Plug'n'Play replaces `open`, and its file handles are not disposable.
    // Without `O_NONBLOCK`, opening a FIFO occupies a thread of libuv until it has a writer.
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const stats = await file.stat();
      if (!stats.isFile() && !stats.isDirectory()) throw notRegularError(path, name);
      checkSize(name, stats.size, maxBytes);
      if (stats.size > 0 || stats.isDirectory()) return await file.readFile({ signal });
      // The size of a generated file, for example in /proc, is not known in advance.
      return await readChunks(file.createReadStream({ autoClose: false }), name, maxBytes, signal);
    } finally {
      await file.close();
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw cause instanceof ImageError ? cause : readError(path, name, cause);
  }
}

async function readStream(
  stream: ImageStream,
  maxBytes: number,
  signal: AbortSignal | undefined,
): Promise<EncodedFile> {
  try {
    const bytes = await readChunks(stream, 'The stream', maxBytes, signal);
    return { name: `The stream of ${bytes.length} bytes`, bytes };
  } catch (cause) {
    signal?.throwIfAborted();
    // A stream of ours reports its own errors.
    throw cause instanceof SemisupError ? cause : readError(stream, 'The stream', cause);
  }
}

async function readChunks(
  stream: ImageStream,
  name: string,
  maxBytes: number,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    signal?.throwIfAborted();
    if (!isUint8Array(chunk)) {
      throw invalidValue(
        "a chunk of an image's stream",
        'a Uint8Array',
        chunk,
        'Correct the stream.',
      );
    }
    chunks.push(chunk);
    size += chunk.length;
    checkSize(name, size, maxBytes);
  }
  return Buffer.concat(chunks);
}

function checkSize(name: string, size: number, maxBytes: number): void {
  if (size <= maxBytes) return;
  throw new ImageError('ERR_SEMISUP_IMAGE_TOO_LARGE', {
    what: `${name} is larger than the limit of ${maxBytes} bytes.`,
    remedy: 'Pass a smaller file, or raise limits.bytes.',
    value: name,
  });
}

function notRegularError(path: string, name: string): ImageError {
  return new ImageError('ERR_SEMISUP_IMAGE_DECODE', {
    what: `${name} could not be read: it is a pipe, a device or another file that is not regular.`,
    remedy: 'Pass a regular file, or a stream of its bytes, such as fs.createReadStream(path).',
    value: path,
  });
}

function readError(value: unknown, name: string, cause: unknown): ImageError {
  const { code } = (cause ?? {}) as NodeJS.ErrnoException;
  const isPath = typeof value === 'string';
  if (isPath && (code === 'ENOENT' || code === 'ENOTDIR')) {
    return new ImageError('ERR_SEMISUP_IMAGE_NOT_FOUND', {
      what: `The image ${name} does not exist.`,
      remedy: 'Check the path.',
      value,
      cause,
    });
  }
  const reason = code === 'EISDIR' ? 'it is a directory' : abbreviate(errorReason(cause));
  return new ImageError('ERR_SEMISUP_IMAGE_DECODE', {
    what: `${name} could not be read: ${reason}.`,
    remedy: 'Pass a readable image.',
    value,
    cause,
  });
}
