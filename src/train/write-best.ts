import { openCheckpoint } from '../checkpoint';
import { formatMetadata, metadataFile, type ModelMetadata } from '../models';
import type { ScriptModule } from '../torch';

/**
 * Writes a module with the weights of the best epoch as a TorchScript file.
 *
 * @param module a copy of the one that was trained; closed
 * @param weights the file with all of its parameters and buffers
 */
export async function writeBest(
  path: string,
  module: ScriptModule,
  weights: string,
  metadata: ModelMetadata,
): Promise<void> {
  try {
    const checkpoint = await openCheckpoint(weights);
    try {
      for (const [name, tensor] of checkpoint.stateDicts[0]!.tensors) {
        await module.fill(name, await tensor.read(), tensor);
      }
    } finally {
      await checkpoint.close();
    }
    const extraFiles = { ...module.extraFiles, [metadataFile]: formatMetadata(metadata) };
    await module.save(path, { extraFiles });
  } finally {
    await module.close();
  }
}
