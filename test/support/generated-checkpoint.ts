import { contiguousStride, type StateDict, type StoredTensor } from '../../src/checkpoint';
import { architectures, resnet, type ArchitectureName } from '../../src/models/resnet';
import { tensorsOf } from '../../src/convert/state';
import { Tensor } from '../../src/native';

/**
 * A checkpoint whose tensors are generated when they are read, bit-identical to that of
 * generated_checkpoint.py. Its activations neither explode nor vanish at any depth.
 */
export function generatedState(architecture: ArchitectureName, classes = 1000): StateDict {
  const basic = architectures[architecture].block === 'basic';
  const tensors = new Map<string, StoredTensor>();
  for (const [name, { dtype, shape }] of tensorsOf(resnet(architectures[architecture], classes))) {
    const index = tensors.size;
    const read = (): Promise<Uint8Array> => {
      if (dtype === 'int64') return Promise.resolve(bytesOf(BigInt64Array.of(BigInt(index))));
      const [center, spread] = rangeOf(name, shape, basic);
      return Promise.resolve(bytesOf(uniform(index, product(shape), center, spread)));
    };
    tensors.set(name, { dtype, shape, stride: contiguousStride(shape), read });
  }
  return { path: `generated ${architecture}`, tensors, close: () => Promise.resolve() };
}

/** A generated, normalized image of stripes and arcs, float32 [1, 3, 224, 224]. */
export function generatedImage(): Tensor {
  const mean = [0.485, 0.456, 0.406];
  const std = [0.229, 0.224, 0.225];
  const data = new Float32Array(3 * 224 * 224);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < 224; y++) {
      for (let x = 0; x < 224; x++) {
        const level = (x * 7 + y * 13 + c * 50 + ((x * y) >> 3)) & 255;
        data[(c * 224 + y) * 224 + x] = (level / 255 - mean[c]!) / std[c]!;
      }
    }
  }
  return Tensor.from(data, [1, 3, 224, 224]);
}

/** Pseudorandom values, uniform within `center` ± `spread`, with `index` as the seed. */
export function uniform(
  index: number,
  count: number,
  center: number,
  spread: number,
): Float32Array {
  const values = new Float32Array(count);
  const start = mix(index);
  for (let i = 0; i < count; i++) {
    values[i] = (mix(start + i) / 2 ** 31 - 1) * spread + center;
  }
  return values;
}

/** The finalizer of MurmurHash3. */
function mix(value: number): number {
  let bits = value >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

function rangeOf(name: string, shape: readonly number[], basic: boolean): [number, number] {
  const lastInBlock = name.split('.').at(-2) === (basic ? 'bn2' : 'bn3');
  if (name.endsWith('running_var')) return [1, 0.2];
  if (name.endsWith('running_mean') || name.endsWith('bias')) return [0, 0.1];
  if (shape.length === 1) return [lastInBlock ? 0.3 : 1, 0.1];
  return [0, Math.sqrt(6 / product(shape.slice(1)))];
}

function product(shape: readonly number[]): number {
  return shape.reduce((count, length) => count * length, 1);
}

function bytesOf(values: Float32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(values.buffer);
}
