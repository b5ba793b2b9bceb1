import { setImmediate } from 'node:timers/promises';
import type { Pixels } from '../types';

const side = 256;
const leaves = 500;
const radii = { least: 3, most: 128 };

/**
 * Pictures with the statistics of photos, by formula and always the same: discs of all sizes that lie
 * over each other, shaded and speckled (Lee, Mumford and Huang, 2001, "Occlusion models for natural
 * images"). The loop is given back between pictures.
 */
export async function fallenLeaves(count: number): Promise<Pixels[]> {
  const pictures: Pixels[] = [];
  for (let seed = 1; seed <= count; seed++) {
    pictures.push(picture(seed));
    await setImmediate();
  }
  return pictures;
}

function picture(seed: number): Pixels {
  const data = new Uint8Array(side * side * 3);
  const random = generator(seed);
  for (let leaf = 0; leaf < leaves; leaf++) {
    // Areas are spread as a power law, so that there is detail at every scale.
    const spread = (radii.least / radii.most) ** 2;
    const radius = radii.least / Math.sqrt(spread + random() * (1 - spread));
    const [x, y] = [random() * side, random() * side];
    const light = random() ** 1.5;
    const colour = [0, 1, 2].map(() => 255 * Math.min(1, light * (0.6 + 0.8 * random())));
    paint(data, random, { x, y, radius, colour, slope: 60 * (random() - 0.5) });
  }
  return { data, width: side, height: side, channels: 3 };
}

interface Leaf {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly colour: readonly number[];
  /** From the leaf's left to its right, in levels. */
  readonly slope: number;
}

function paint(data: Uint8Array, random: () => number, leaf: Leaf): void {
  const { x, y, radius, colour, slope } = leaf;
  const bottom = Math.min(side, Math.ceil(y + radius));
  for (let row = Math.max(0, Math.floor(y - radius)); row < bottom; row++) {
    const half = Math.sqrt(Math.max(0, radius ** 2 - (row - y) ** 2));
    const right = Math.min(side, Math.ceil(x + half));
    for (let column = Math.max(0, Math.floor(x - half)); column < right; column++) {
      const shade = (slope * (column - x)) / radius + 24 * (random() - 0.5);
      const at = (row * side + column) * 3;
      for (let c = 0; c < 3; c++) data[at + c] = Math.max(0, Math.min(255, colour[c]! + shade));
    }
  }
}

/** Numbers from 0 to 1: a linear congruential generator, enough for pictures. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
