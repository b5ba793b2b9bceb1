const COLOUR_TABLE = 0x80;
const TRANSPARENT = 0x01;

/**
 * A copy of a GIF whose first frame has no transparency: its transparent pixels then show their
 * colour in the palette, as they do in Pillow's `convert('RGB')`, where a decoder leaves black.
 * Source: GIF89a, sections 18 (screen descriptor) and 23 (graphic control extension).
 */
export function withoutTransparency(gif: Uint8Array): Uint8Array {
  const copy = new Uint8Array(gif);
  const byte = (at: number) => copy[at] ?? 0;
  let at = 13 + (byte(10) & COLOUR_TABLE ? 3 << ((byte(10) & 7) + 1) : 0);
  while (byte(at) === 0x21) {
    if (byte(at + 1) === 0xf9) copy[at + 3] = byte(at + 3) & ~TRANSPARENT;
    at += 2;
    while (byte(at) > 0) at += byte(at) + 1;
    at += 1;
  }
  return copy;
}
