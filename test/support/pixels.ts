import { createHash } from 'node:crypto';
import type { Pixels } from '../../src/types';

/** Samples by the formula of `noise` in test/50.image/make-goldens.py. */
export function noise(width: number, height: number, channels: Pixels['channels']): Pixels {
  const data = new Uint8Array(width * height * channels);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        const mixed = x * 7919 + y * 104729 + c * 1299709;
        data[at++] = mixed ^ (mixed >> 7);
      }
    }
  }
  return { data, width, height, channels };
}

/** The samples of a decoded image as Pillow holds them after `convert('RGB')`; CMYK as it is. */
export function asRgb({ data, channels }: Pixels): Uint8Array {
  if (channels !== 1) return data;
  return Uint8Array.from({ length: data.length * 3 }, (_, i) => data[Math.floor(i / 3)]!);
}

/** SHA-256 as hex digits. */
export function sha256(data: NodeJS.ArrayBufferView): string {
  return createHash('sha256').update(data).digest('hex');
}
