import { happens, integer, randomOf, uniform, type RandomGenerator } from '../augment';
import type { Mix } from '../torch';

/** The parameters of the Beta distributions; 0 if the images of a batch are not mixed that way. */
export interface MixingOptions {
  /** Mixup: Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2018. */
  readonly mixup: number;
  /** CutMix: Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers", 2019. */
  readonly cutmix: number;
}

/**
 * How a batch is mixed; undefined if it is not. With both, each is as probable. The partner of an image is the one before
 * it, as in torchvision's `MixUp` and `CutMix`.
 *
 * @param count the number of images
 * @param side of the images, in pixels
 */
export function sampleMix(
  { mixup, cutmix }: MixingOptions,
  { seed, step, count, side }: { seed: number; step: number; count: number; side: number },
): Mix | undefined {
  if (mixup === 0 && cutmix === 0) return undefined;
  const random = randomOf(`mix ${seed} ${step}`);
  const partners = Array.from({ length: count }, (_, i) => (i + count - 1) % count);
  const cuts = cutmix > 0 && (mixup === 0 || happens(random, 0.5));
  if (!cuts) return { lambda: beta(random, mixup), partners };
  const box = sampleBox(random, beta(random, cutmix), side);
  const [y1, x1, y2, x2] = box;
  return { lambda: 1 - ((y2 - y1) * (x2 - x1)) / side ** 2, partners, box };
}

/** A box with 1 - lambda of the area around a random center, cut off at the edges. */
function sampleBox(
  random: RandomGenerator,
  lambda: number,
  side: number,
): [number, number, number, number] {
  const [x, y] = [integer(random, 0, side - 1), integer(random, 0, side - 1)];
  const half = Math.trunc(0.5 * Math.sqrt(1 - lambda) * side);
  const inside = (value: number) => Math.min(Math.max(value, 0), side);
  return [inside(y - half), inside(x - half), inside(y + half), inside(x + half)];
}

/** A number of the distribution Beta(alpha, alpha). */
function beta(random: RandomGenerator, alpha: number): number {
  const [first, second] = [gamma(random, alpha), gamma(random, alpha)];
  // Both are 0 only for a very small alpha, which makes one of them much larger than the other.
  return first + second > 0 ? first / (first + second) : Number(happens(random, 0.5));
}

/** Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables", 2000. */
function gamma(random: RandomGenerator, shape: number): number {
  if (shape < 1) return gamma(random, shape + 1) * (1 - uniform(random, [0, 1])) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    // In (0, 1], because its logarithm must be finite.
    const u = 1 - uniform(random, [0, 1]);
    if (Math.log(u) < 0.5 * x ** 2 + d * (1 - v + Math.log(v))) return d * v;
  }
}

/** Box and Muller. */
function normal(random: RandomGenerator): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform(random, [0, 1])));
  return radius * Math.cos(2 * Math.PI * uniform(random, [0, 1]));
}
