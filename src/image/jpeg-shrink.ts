/** The factors by which libjpeg can shrink an image while it decodes it, largest first. */
const factors = [8, 4, 2] as const;

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
