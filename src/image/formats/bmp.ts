/** The sizes of the info headers, which identify the versions of the format. */
const headerSizes = [12, 16, 40, 52, 56, 64, 108, 124];

/** Whether a file starts with the header of a Windows or OS/2 bitmap. */
export function isBmp(head: Buffer): boolean {
  if (head.length < 26 || head.toString('latin1', 0, 2) !== 'BM') return false;
  return headerSizes.includes(head.readUInt32LE(14));
}

/** Reads the size of a bitmap from its header. Source: Microsoft, BITMAPCOREHEADER and BITMAPINFOHEADER. */
export function bmpSize(bmp: Buffer): { width: number; height: number } {
  if (bmp.readUInt32LE(14) === 12) {
    return { width: bmp.readUInt16LE(18), height: bmp.readUInt16LE(20) };
  }
  // The height is negative if the first row is the top one.
  return { width: bmp.readInt32LE(18), height: Math.abs(bmp.readInt32LE(22)) };
}
