/** Whether a file starts like a PBM, PGM or PPM image. */
export function isNetpbm(head: Buffer): boolean {
  return /^P[1-6][\s#]/.test(head.toString('latin1', 0, 3));
}

/**
 * Reads the header of a Netpbm image.
 *
 * @returns undefined if the header is malformed
 */
export function netpbmHeader(
  file: Buffer,
): { width: number; height: number; maxValue: number } | undefined {
  // Comments may stand between any two tokens.
  const gap = String.raw`(?:\s|#[^\r\n]*[\r\n])+`;
  const isBilevel = file[1] === 0x31 || file[1] === 0x34;
  const fields = isBilevel ? 2 : 3;
  const pattern = new RegExp(`^P[1-6]${`${gap}(\\d{1,10})`.repeat(fields)}\\s`);
  const match = pattern.exec(file.toString('latin1', 0, 4096));
  if (!match) return undefined;
  const [width, height, maxValue = 1] = match.slice(1).map(Number) as [number, number, number?];
  return { width, height, maxValue };
}
