import { buildTorchScript } from '../../src/convert';
import { card } from '../../src/models';
import type { ArchitectureName } from '../../src/models/resnet';
import { generatedState } from './generated-checkpoint';

/** Writes a network with generated weights as a TorchScript file, and returns the path. */
export async function saveGeneratedModel(
  path: string,
  architecture: ArchitectureName,
): Promise<string> {
  await buildTorchScript({
    card: { ...card(`${architecture}_swsl`), license: null },
    state: generatedState(architecture),
    source: { file: 'generated', sha256: '0'.repeat(64) },
    path,
  });
  return path;
}
