import { contiguousStride, type StoredTensor } from '../checkpoint';
import { buildTorchScript, toStoredTensors } from '../convert';
import { modelNameOf } from '../learning';
import type { ModelMetadata } from '../models';
import { pick } from '../options';
import type { BaseModel } from './base-model';

/** A last layer. */
export interface Head {
  /** Row-major, [classes, d]. */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

/**
 * Writes a model with another last layer as a TorchScript file, as `hub.exportTorchScript` writes those of the hub. Its
 * weights keep their license and their source.
 *
 * @returns the metadata
 * @throws ModelError `ERR_SEMISUP_MODEL_WRITE` if it cannot be written
 */
export async function writeModel(
  path: string,
  base: BaseModel,
  labels: readonly string[],
  { weight, bias }: Head,
  signal: AbortSignal | undefined,
): Promise<ModelMetadata> {
  const module = await base.openModule();
  try {
    const tensors = await toStoredTensors(module);
    tensors.set('fc.weight', floats(weight, [bias.length, weight.length / bias.length]));
    tensors.set('fc.bias', floats(bias, [bias.length]));
    const { architecture, license, source, transform } = base.metadata;
    const { key, prefix } = source ?? {};
    return await buildTorchScript({
      path,
      card: { name: modelNameOf(path), architecture, license, transform },
      state: { path, tensors, key, prefix, close: () => Promise.resolve() },
      source: source && pick(source, ['file', 'sha256']),
      labels,
      signal,
    });
  } finally {
    await module.close();
  }
}

function floats(values: Float32Array, shape: readonly number[]): StoredTensor {
  const { buffer, byteOffset, byteLength } = values;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  return {
    dtype: 'float32',
    shape,
    stride: contiguousStride(shape),
    read: () => Promise.resolve(bytes),
  };
}
