import { ImageError } from '../../errors';
import type { EncodedFile } from '../read';
import { isAvif } from './avif';
import { isBmp } from './bmp';
import { isNetpbm } from './netpbm';

/** The formats that can be decoded. */
export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'gif' | 'tiff' | 'avif' | 'bmp' | 'netpbm';

/** Bytes at an offset that identify a file format. */
type Signature<Kind> = readonly [offset: number, bytes: string, kind: Kind];

const supported: readonly Signature<ImageFormat>[] = [
  [0, '\xff\xd8\xff', 'jpeg'],
  [0, '\x89PNG\r\n\x1a\n', 'png'],
  [0, 'GIF87a', 'gif'],
  [0, 'GIF89a', 'gif'],
  [8, 'WEBPVP8', 'webp'],
  [0, 'II*\0', 'tiff'],
  [0, 'MM\0*', 'tiff'],
  [0, 'II+\0', 'tiff'],
  [0, 'MM\0+', 'tiff'],
];

const unsupported: readonly Signature<string>[] = [
  [0, '\0\0\x01\0', 'a Windows icon'],
  [4, 'jP  ', 'a JPEG 2000 image'],
  [0, '\xff\x4f\xff\x51', 'a JPEG 2000 image'],
  [4, 'JXL ', 'a JPEG XL image'],
  [0, '\xff\x0a', 'a JPEG XL image'],
  [4, 'ftyphe', 'a HEIC image'],
  [4, 'ftypmif1', 'a HEIC image'],
  [4, 'ftyp', 'a video'],
  [0, '8BPS', 'a Photoshop document'],
  [0, '\x76\x2f\x31\x01', 'an OpenEXR image'],
  [0, '%PDF', 'a PDF document'],
  [0, '%!PS', 'a PostScript document'],
  [0, 'P7\n', 'a PAM image'],
  [0, 'PK\x03\x04', 'a zip archive'],
  [0, '\x1f\x8b', 'a gzip archive, such as SVGZ'],
];

const articles: Readonly<Record<ImageFormat, string>> = {
  jpeg: 'a JPEG image',
  png: 'a PNG image',
  webp: 'a WebP image',
  gif: 'a GIF image',
  tiff: 'a TIFF image',
  avif: 'an AVIF image',
  bmp: 'a BMP image',
  netpbm: 'a Netpbm image',
};

/** A format in a form that follows "appears to be", e.g. `a BMP image`. */
export function describeFormat(format: ImageFormat): string {
  return articles[format];
}

/**
 * Detects the format of a file from its first bytes, so that decoders see only the formats that they are
 * meant for.
 *
 * @throws ImageError if the format is not supported
 */
export function detectFormat({ name, bytes }: EncodedFile): ImageFormat {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 1024));
  const text = head.toString('latin1');
  const format = findSignature(supported, text);
  if (format) return format;
  if (isAvif(head)) return 'avif';
  if (isBmp(head)) return 'bmp';
  if (isNetpbm(head)) return 'netpbm';
  const kind = findSignature(unsupported, text) ?? describeOther(head, text);
  throw new ImageError('ERR_SEMISUP_IMAGE_FORMAT', {
    what: `${name} is not a supported image; it appears to be ${kind}.`,
    remedy: 'Convert it to JPEG, PNG, WebP, GIF, TIFF, AVIF, BMP, PPM, PGM or PBM.',
    value: name,
  });
}

function findSignature<Kind>(signatures: readonly Signature<Kind>[], text: string) {
  return signatures.find(([offset, start]) => text.startsWith(start, offset))?.[2];
}

function describeOther(head: Uint8Array, text: string): string {
  if (head.length === 0) return 'empty';
  if (/^\s*<(!doctype html|html)/i.test(text)) return 'a web page';
  if (/^(\xef\xbb\xbf)?\s*<(\?xml|!--|!doctype svg|svg)/i.test(text)) {
    return /<svg/i.test(text) ? 'an SVG image' : 'an XML document';
  }
  const isControl = (byte: number) => byte < 32 && !(byte >= 9 && byte <= 13);
  return head.some(isControl) ? 'of an unknown format' : 'text';
}
