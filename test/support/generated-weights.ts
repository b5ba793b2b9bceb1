import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generatedState } from './generated-checkpoint';
import { writeSafetensors } from './write-safetensors';

/** Makes a folder for a suite with the weights of a ResNet-18 in it, and removes it afterwards. */
export function generatedWeights(): { folder: string; weights: string } {
  const made = { folder: '', weights: '' };
  before(async () => {
    made.folder = await mkdtemp(join(tmpdir(), 'semisup-test-'));
    made.weights = join(made.folder, 'weights.safetensors');
    await writeSafetensors(generatedState('resnet18'), made.weights);
  });
  after(async () => {
    await rm(made.folder, { recursive: true, force: true });
  });
  return made;
}
