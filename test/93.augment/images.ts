import type { Pixels } from '../../src/types';

export type Kind = 'noise' | 'gradient' | 'gray' | 'dark' | 'levels' | 'flat';

const formulas: Record<Kind, (x: number, y: number, c: number) => number> = {
  noise: (x, y, c) => {
    const mixed = x * 7919 + y * 104729 + c * 1299709;
    return mixed ^ (mixed >> 7);
  },
  gradient: (x, y, c) => x * (c + 2) + y * (3 - c) + 40 * c,
  gray: (x, y) => x * 7 + y * 3,
  dark: (x, y, c) => 20 + ((x + y) % 9) * (c + 1) + (c === 1 ? 50 : 0),
  levels: (x, y, c) => ((Math.floor(x / 3) + Math.floor(y / 2) + c) % 4) * 60 + 20,
  flat: (_x, _y, c) => 90 * c + 7,
};

/** All kinds, in the order of the goldens. */
export const kinds = Object.keys(formulas) as Kind[];

/** A synthetic image, whose samples equal those of `generate` in make-goldens.py. */
export function generate(
  kind: Kind,
  width: number,
  height: number,
  channels: Pixels['channels'] = 3,
): Pixels {
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / channels);
    data[i] = formulas[kind](pixel % width, Math.floor(pixel / width), i % channels);
  }
  return { data, width, height, channels };
}
