import { contiguousStride, type StoredTensor } from '../checkpoint';
import type { Tensor } from '../native';

/** A tensor in memory, described as one of a checkpoint: contiguous, and read when it is needed. */
export function toStoredTensor(tensor: Tensor): StoredTensor {
  const { dtype, shape } = tensor;
  const read = async () => {
    const { buffer, byteOffset, byteLength } = await tensor.data();
    return new Uint8Array(buffer, byteOffset, byteLength);
  };
  return { dtype, shape, stride: contiguousStride(shape), read };
}

/** The parameters and buffers of a module as those of a checkpoint. */
export async function toStoredTensors(module: {
  stateDict(): Promise<Record<string, Tensor>>;
}): Promise<Map<string, StoredTensor>> {
  const state = Object.entries(await module.stateDict());
  return new Map(state.map(([name, tensor]) => [name, toStoredTensor(tensor)]));
}
