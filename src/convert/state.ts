import type { StoredTensor } from '../checkpoint/state-dict';
import type { ModuleSpec, TensorSpec } from '../types';

/** The parameters of the last layer. */
export const head: readonly string[] = ['fc.weight', 'fc.bias'];

/** The parameters and buffers of a module tree, by dotted name, in the order of PyTorch's `state_dict()`. */
export function tensorsOf(spec: ModuleSpec, prefix = ''): Map<string, TensorSpec> {
  const tensors = new Map<string, TensorSpec>();
  for (const [name, tensor] of Object.entries({ ...spec.parameters, ...spec.buffers })) {
    tensors.set(prefix + name, tensor);
  }
  for (const [name, module] of Object.entries(spec.modules ?? {})) {
    for (const entry of tensorsOf(module, `${prefix}${name}.`)) tensors.set(...entry);
  }
  return tensors;
}

/** Whether a tensor may be missing: checkpoints from before PyTorch 0.4.1 have no `num_batches_tracked`. */
export function isOptional(name: string): boolean {
  return name.endsWith('.num_batches_tracked');
}

/** Whether a tensor can fill a parameter or buffer: of the same shape, and both floating-point or not. */
export function fits(tensor: StoredTensor | undefined, spec: TensorSpec): tensor is StoredTensor {
  if (tensor === undefined) return false;
  return (
    tensor.dtype.includes('float') === spec.dtype.includes('float') &&
    tensor.shape.length === spec.shape.length &&
    tensor.shape.every((length, dimension) => length === spec.shape[dimension])
  );
}
