/** Flag of the screen descriptor: a global color table follows. */
const globalColorTable = 0x80;
/** Flag of the graphic control extension: one palette index is transparent. */
const transparentColor = 0x01;

/**
 * Returns a copy of a GIF without transparency in its first frame. Decoders render transparent pixels
 * black, but Pillow's `convert('RGB')` renders them in their palette color. Source: GIF89a, sections 18 (screen descriptor) and 23 (graphic control extension).
 */
export function withoutTransparency(gif: Uint8Array): Uint8Array {
  const copy = new Uint8Array(gif);
  const byte = (at: number) => copy[at] ?? 0;
  let at = 13 + (byte(10) & globalColorTable ? 3 << ((byte(10) & 7) + 1) : 0);
  while (byte(at) === 0x21) {
    if (byte(at + 1) === 0xf9) copy[at + 3] = byte(at + 3) & ~transparentColor;
    at += 2;
    while (byte(at) > 0) at += byte(at) + 1;
    at += 1;
  }
  return copy;
}
