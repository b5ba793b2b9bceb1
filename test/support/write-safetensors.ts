import { writeSafetensors as write, type StateDict } from '../../src/checkpoint';

/** Writes a state dict of contiguous tensors as a safetensors file. */
export async function writeSafetensors(
  { tensors }: Pick<StateDict, 'tensors'>,
  path: string,
  metadata?: Readonly<Record<string, string>>,
): Promise<void> {
  await write(tensors, path, metadata);
}
