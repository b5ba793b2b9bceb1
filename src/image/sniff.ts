/** Bytes at an offset that identify a file format. */
type Signature = readonly [offset: number, bytes: string, kind: string];

const decodable: readonly Signature[] = [
  [0, '\xff\xd8\xff', 'a JPEG image'],
  [0, '\x89PNG\r\n\x1a\n', 'a PNG image'],
  [0, 'GIF8', 'a GIF image'],
  [8, 'WEBP', 'a WebP image'],
  [0, 'II*\0', 'a TIFF image'],
  [0, 'MM\0*', 'a TIFF image'],
  [4, 'ftypavif', 'an AVIF image'],
];

const unsupported: readonly Signature[] = [
  [0, 'BM', 'a BMP image'],
  [0, '\0\0\x01\0', 'a Windows icon'],
  [4, 'jP  ', 'a JPEG 2000 image'],
  [4, 'JXL ', 'a JPEG XL image'],
  [0, '\xff\x0a', 'a JPEG XL image'],
  [4, 'ftyphei', 'a HEIC image'],
  [4, 'ftyp', 'a video'],
  [0, '8BPS', 'a Photoshop document'],
  [0, '%PDF', 'a PDF document'],
  [0, 'PK\x03\x04', 'a zip archive'],
  [0, '\x1f\x8b', 'a gzip archive'],
];

/** The format of a file, guessed from its first bytes. */
export interface SniffedFormat {
  /** The format in a form that follows "appears to be", e.g. `a BMP image`, `text`, `empty`. */
  readonly kind: string;
  /** Whether `decode` supports the format. */
  readonly decodable: boolean;
}

/** Guesses the format of a file that could not be decoded, for the error message. */
export function sniff(bytes: Uint8Array): SniffedFormat {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 512));
  const text = head.toString('latin1');
  const findKind = (signatures: readonly Signature[]) =>
    signatures.find(([offset, start]) => text.startsWith(start, offset))?.[2];
  const image = findKind(decodable);
  if (image) return { kind: image, decodable: true };
  return { kind: findKind(unsupported) ?? describeOther(head, text), decodable: false };
}

function describeOther(head: Uint8Array, text: string): string {
  if (head.length === 0) return 'empty';
  if (/^\s*<(!doctype html|html)/i.test(text)) return 'a web page';
  const isControl = (byte: number) => byte < 32 && !(byte >= 9 && byte <= 13);
  return head.some(isControl) ? 'of an unknown format' : 'text';
}
