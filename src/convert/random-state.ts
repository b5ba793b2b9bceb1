import { setImmediate } from 'node:timers/promises';
import { contiguousStride, type StateDict, type StoredTensor } from '../checkpoint';
import { architectures, resnet, type ArchitectureName } from '../models/resnet';
import type { TensorSpec } from '../types';
import { hash } from './hash';
import { head, tensorsOf } from './state';

/** Number of values computed between yields to the event loop: a few milliseconds of work. */
const slice = 2 ** 16;

/**
 * The weights of a network before any training, as torchvision initializes a ResNet, but for the last layer, which is left
 * out: convolutions normal with Kaiming's standard deviation by the fan-out (He et al., "Delving Deep into Rectifiers",
 * 2015), the scales of normalizations 1. Deterministic for each seed, but the generator is not PyTorch's.
 */
export function randomState(architecture: ArchitectureName, seed: number): StateDict {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, spec] of tensorsOf(resnet(architectures[architecture]))) {
    if (head.includes(name)) continue;
    const { dtype, shape } = spec;
    const index = tensors.size;
    const read = async () => bytesOf(await initialize(name, spec, hash(hash(seed) + index)));
    tensors.set(name, { dtype, shape, stride: contiguousStride(shape), read });
  }
  return { path: `random ${architecture}`, tensors, close: () => Promise.resolve() };
}

async function initialize(
  name: string,
  { dtype, shape }: TensorSpec,
  seed: number,
): Promise<Float32Array | BigInt64Array> {
  if (dtype === 'int64') return new BigInt64Array(1);
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  if (shape.length === 1) return values.fill(/\.(weight|running_var)$/.test(name) ? 1 : 0);
  const [outputs, , height, width] = shape as [number, number, number, number];
  const deviation = Math.sqrt(2 / (outputs * height * width));
  for (let i = 0; i < values.length; i += 2) {
    const [first, second] = normalPair(hash(seed + i), hash(seed + i + 1));
    values[i] = deviation * first;
    if (i + 1 < values.length) values[i + 1] = deviation * second;
    if (i % slice === 0) await setImmediate();
  }
  return values;
}

/** Two independent normal numbers from two integers of 32 bits: Box and Muller. */
function normalPair(a: number, b: number): [number, number] {
  // In (0, 1), because its logarithm must be finite.
  const radius = Math.sqrt(-2 * Math.log((a + 0.5) / 2 ** 32));
  const angle = (2 * Math.PI * b) / 2 ** 32;
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

function bytesOf({ buffer }: Float32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(buffer);
}
