/** Flag of the screen descriptor and the image descriptor: a color table follows. */
const colorTable = 0x80;
/** Flag of the graphic control extension: one palette index is transparent. */
const transparentColor = 0x01;

/** The first frame of a GIF. */
export interface GifFrame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** The size of the canvas, in pixels. */
  readonly canvas: { readonly width: number; readonly height: number };
  /** The color of the canvas outside of the frame in Pillow: palette entry 0, or the transparent one. */
  readonly background: readonly [number, number, number];
  /** The offset of the flags of the graphic control extension, if there is one. */
  readonly controlFlags: number | undefined;
}

/**
 * Reads the headers of the first frame. Source: GIF89a, sections 18 (screen descriptor), 20 (image
 * descriptor) and 23 (graphic control extension).
 *
 * @returns undefined if the file contains no frame, or a frame without a color table
 */
export function firstGifFrame(gif: Buffer): GifFrame | undefined {
  const byte = (at: number) => gif[at] ?? 0;
  const uint16 = (at: number) => byte(at) | (byte(at + 1) << 8);
  const tableSize = (flags: number) => (flags & colorTable ? 3 << ((flags & 7) + 1) : 0);
  let table = tableSize(byte(10)) > 0 ? 13 : undefined;
  let at = 13 + tableSize(byte(10));
  let controlFlags: number | undefined;
  while (byte(at) === 0x21) {
    if (byte(at + 1) === 0xf9) controlFlags = at + 3;
    at += 2;
    while (byte(at) > 0) at += byte(at) + 1;
    at += 1;
  }
  if (byte(at) !== 0x2c) return undefined;
  if (tableSize(byte(at + 9)) > 0) table = at + 10;
  if (table === undefined) return undefined;
  const isTransparent = controlFlags !== undefined && (byte(controlFlags) & transparentColor) !== 0;
  const entry = table + 3 * (isTransparent ? byte(controlFlags! + 3) : 0);
  return {
    left: uint16(at + 1),
    top: uint16(at + 3),
    width: uint16(at + 5),
    height: uint16(at + 7),
    canvas: { width: uint16(6), height: uint16(8) },
    background: [byte(entry), byte(entry + 1), byte(entry + 2)],
    controlFlags,
  };
}

/**
 * Returns a copy of a GIF without transparency in its first frame. Decoders render transparent pixels
 * black, but Pillow's `convert('RGB')` renders them in their palette color.
 */
export function withoutTransparency(gif: Buffer, { controlFlags }: GifFrame): Buffer {
  if (controlFlags === undefined) return gif;
  const copy = Buffer.from(gif);
  copy[controlFlags] = copy[controlFlags]! & ~transparentColor;
  return copy;
}

/** The margins of the canvas around the first frame, which libvips leaves black. */
export function gifMargins({ left, top, width, height, canvas }: GifFrame) {
  return { left, top, right: canvas.width - left - width, bottom: canvas.height - top - height };
}
