import { createHash } from 'node:crypto';
import type { Pixels } from '../../src/types';

/** Deterministic samples, equal to those of `noise` in test/50.image/make-goldens.py. */
export function noise(width: number, height: number, channels: Pixels['channels']): Pixels {
  const data = new Uint8Array(width * height * channels);
  let offset = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        const mixed = x * 7919 + y * 104729 + c * 1299709;
        data[offset++] = mixed ^ (mixed >> 7);
      }
    }
  }
  return { data, width, height, channels };
}

/** The samples of a decoded image as in Pillow after `convert('RGB')`. CMYK is not converted. */
export function asRgb({ data, channels }: Pixels): Uint8Array {
  if (channels !== 1) return data;
  return Uint8Array.from({ length: data.length * 3 }, (_, i) => data[Math.floor(i / 3)]!);
}

/** The SHA-256 in hexadecimal. */
export function sha256(data: NodeJS.ArrayBufferView): string {
  return createHash('sha256').update(data).digest('hex');
}
