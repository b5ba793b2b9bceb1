import { buildTorchScript, card } from '../../src/models';
import type { ArchitectureName } from '../../src/models/resnet';
import { generatedState } from './generated-checkpoint';

/** Writes a network with weights by formula as a TorchScript file; gives the path. */
export async function saveGenerated(path: string, architecture: ArchitectureName): Promise<string> {
  await buildTorchScript({
    card: { ...card(`${architecture}_swsl`), licence: null },
    state: generatedState(architecture),
    source: { file: 'by formula', sha256: '0'.repeat(64) },
    path,
  });
  return path;
}
