import type { Sharp } from 'sharp';
import type { Pixels } from '../types';
import { loadSharp } from './native-decoders';

/** Decoded pixels as an RGB image of sharp, to be resized, drawn on or encoded. */
export function pixelsToSharp(pixels: Pixels): Sharp {
  const { width, height, channels, cmyk = false } = pixels;
  const data = cmyk ? fromCmyk(pixels.data) : pixels.data;
  const image = loadSharp()(data, { raw: { width, height, channels: cmyk ? 3 : channels } });
  return image.removeAlpha().toColourspace('srgb');
}

/** As Pillow converts inks to RGB. */
function fromCmyk(inks: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((inks.length / 4) * 3);
  for (let i = 0, j = 0; i < inks.length; i += 4, j += 3) {
    const light = 255 - inks[i + 3]!;
    for (let c = 0; c < 3; c++) rgb[j + c] = Math.round((light * (255 - inks[i + c]!)) / 255);
  }
  return rgb;
}
