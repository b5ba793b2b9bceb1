import { pixelsToSharp } from '../image/pixels-to-sharp';
import type { Pixels } from '../types';

/** Draws the center square of an image as a data URL. @param side that of the thumbnail, in pixels */
export async function drawThumbnail(pixels: Pixels, side: number): Promise<string> {
  const square = pixelsToSharp(pixels).resize(side, side, { fit: 'cover' });
  return toUrl(await square.jpeg({ quality: 80 }).toBuffer());
}

export function toUrl(jpeg: Buffer): string {
  return `data:image/jpeg;base64,${jpeg.toString('base64')}`;
}
