/**
 * By how much a JPEG can be shrunk, largest first. libjpeg decodes it at an eighth, a quarter or a half of its
 * size, and libvips resizes the rest. Not 8, 4 and 2: then sharp decodes at twice the size.
 */
const factors = [9, 5, 3] as const;

/**
 * The factor by which a JPEG may be shrunk while it is decoded, so that its shorter side keeps at least `minSide`
 * pixels; 1 if it must be decoded completely.
 */
export function jpegShrinkFactor(
  { width, height }: { readonly width: number; readonly height: number },
  minSide: number | undefined,
): number {
  if (minSide === undefined) return 1;
  const side = Math.min(width, height);
  return factors.find((factor) => Math.floor(side / factor) >= minSide) ?? 1;
}
