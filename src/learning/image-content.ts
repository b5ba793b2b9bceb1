import { createHash } from 'node:crypto';
import {
  completeLimits,
  decode,
  type DecodeLimits,
  type EncodedFile,
  type ImageInput,
} from '../image';
import { toImageSource } from '../image/input';
import { readEncoded } from '../image/read';
import type { Pixels } from '../types';

/** An image in memory, and what identifies its content. */
export interface ImageContent {
  readonly image: EncodedFile | Pixels;
  /** The SHA-256 of the bytes of its file, or of its pixels, in hex. */
  readonly sha256: string;
}

/** Reads an image without decoding it. @throws ImageError if it is missing, too large or cannot be read */
export async function readContent(
  input: ImageInput,
  limits: DecodeLimits | undefined,
  signal: AbortSignal | undefined,
): Promise<ImageContent> {
  const source = toImageSource(input);
  const hash = createHash('sha256');
  if ('pixels' in source || 'sharp' in source) {
    const image = await decode(input, { limits, signal });
    const { data, width, height, channels } = image;
    hash.update(`${width}x${height}x${channels}\n`).update(data);
    return { image, sha256: hash.digest('hex') };
  }
  const image = await readEncoded(source, completeLimits(limits).bytes, signal);
  return { image, sha256: hash.update(image.bytes).digest('hex') };
}
