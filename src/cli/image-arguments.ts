import { stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { DownloadError, ImageError } from '../errors';
import { imageExtensions, type ImageInput } from '../image';
import { imagesIn } from '../image/images-in';
import { HttpClient } from '../net/http';

/** An image that a command processes. */
export interface ImageArgument {
  /** Its path or URL, or `-`. */
  readonly name: string;
  /** @throws ImageError if the argument matches no image */
  readonly read: () => ImageInput;
}

const globOptions = { expandDirectories: false, caseSensitiveMatch: false, dot: false };

/** How long a server may send nothing, and how long a download may take, in milliseconds. */
const timeouts = { idle: 30_000, total: 120_000 };

/**
 * The images that the arguments of a command name: paths, directories (all images in them, in the order of
 * their paths), glob patterns, http and https URLs, and `-` for standard input.
 */
export async function* expandImages(names: readonly string[]): AsyncGenerator<ImageArgument> {
  for (const name of names) {
    if (name === '-') yield { name, read: () => process.stdin };
    else if (isRemote(name)) yield { name, read: () => download(name) };
    else yield* expandPath(name);
  }
}

/** Whether an argument names an image by its URL. */
export function isRemote(name: string): boolean {
  return /^https?:\/\//i.test(name);
}

async function* expandPath(path: string): AsyncGenerator<ImageArgument> {
  // The name of an existing file is not a pattern, even if it contains glob characters.
  const stats = await stat(path).catch(() => undefined);
  const isDirectory = stats?.isDirectory() === true;
  if (!isDirectory && (stats || !isDynamicPattern(path))) {
    yield { name: path, read: () => path };
    return;
  }
  const found = isDirectory
    ? (await imagesIn(path)).map((name) => join(path, name))
    : await glob(path, { ...globOptions, caseSensitiveMatch: true, absolute: isAbsolute(path) });
  if (found.length === 0) {
    yield { name: path, read: () => throwNotFound(path, isDirectory) };
  }
  for (const name of found.toSorted()) yield { name, read: () => name };
}

/** @throws ImageError */
export function throwNotFound(path: string, isDirectory: boolean): never {
  throw new ImageError('ERR_SEMISUP_IMAGE_NOT_FOUND', {
    what: isDirectory
      ? `The directory ${path} contains no images.`
      : `No file matches the pattern ${path}.`,
    remedy: isDirectory
      ? `Their names must end in one of ${imageExtensions.join(', ')}.`
      : 'Check the pattern.',
    value: path,
  });
}

/** The body of an image's URL. The decoder limits its size. */
async function* download(url: string): AsyncGenerator<Uint8Array> {
  const client = HttpClient.open(timeouts.idle);
  try {
    const signal = AbortSignal.timeout(timeouts.total);
    const { status, body } = await client.send(url, { signal });
    if (status === 200) {
      yield* body as AsyncIterable<Uint8Array>;
      return;
    }
    await body.dump();
    throw new DownloadError('ERR_SEMISUP_DOWNLOAD_HTTP', {
      what: `${url} responded with status ${status}.`,
      remedy: 'Check the URL.',
      value: url,
    });
  } finally {
    await client.close();
  }
}
