import { setImmediate } from 'node:timers/promises';
import type { Pixels } from '../types';

const side = 256;
const leafCount = 500;
const radius = { min: 3, max: 128 };

/**
 * Generates dead-leaves images, which have the statistics of natural images: overlapping shaded discs of
 * all sizes, with noise (Lee, Mumford and Huang, 2001, "Occlusion models for natural images"). They are
 * deterministic. Yields to the event loop between images.
 *
 * @returns 256 x 256 RGB images
 */
export async function deadLeavesImages(count: number): Promise<Pixels[]> {
  const images: Pixels[] = [];
  for (let seed = 1; seed <= count; seed++) {
    images.push(generateImage(seed));
    await setImmediate();
  }
  return images;
}

function generateImage(seed: number): Pixels {
  const data = new Uint8Array(side * side * 3);
  const random = randomGenerator(seed);
  for (let leaf = 0; leaf < leafCount; leaf++) {
    // Areas follow a power law, which yields detail at every scale.
    const spread = (radius.min / radius.max) ** 2;
    const leafRadius = radius.min / Math.sqrt(spread + random() * (1 - spread));
    const [x, y] = [random() * side, random() * side];
    const light = random() ** 1.5;
    const color = [0, 1, 2].map(() => 255 * Math.min(1, light * (0.6 + 0.8 * random())));
    paint(data, random, { x, y, radius: leafRadius, color, slope: 60 * (random() - 0.5) });
  }
  return { data, width: side, height: side, channels: 3 };
}

interface Leaf {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly color: readonly number[];
  /** The change of brightness per radius, from left to right, in levels. */
  readonly slope: number;
}

function paint(data: Uint8Array, random: () => number, leaf: Leaf): void {
  const { x, y, radius, color, slope } = leaf;
  const bottom = Math.min(side, Math.ceil(y + radius));
  for (let row = Math.max(0, Math.floor(y - radius)); row < bottom; row++) {
    const half = Math.sqrt(Math.max(0, radius ** 2 - (row - y) ** 2));
    const right = Math.min(side, Math.ceil(x + half));
    for (let column = Math.max(0, Math.floor(x - half)); column < right; column++) {
      const shade = (slope * (column - x)) / radius + 24 * (random() - 0.5);
      const at = (row * side + column) * 3;
      for (let c = 0; c < 3; c++) data[at + c] = Math.max(0, Math.min(255, color[c]! + shade));
    }
  }
}

/** A linear congruential generator of numbers in [0, 1). */
function randomGenerator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
