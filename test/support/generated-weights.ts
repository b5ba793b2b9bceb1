import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generatedState } from './generated-checkpoint';
import { writeSafetensors } from './write-safetensors';

/** Creates a directory with the weights of a ResNet-18 for a suite, and removes it afterwards. */
export function generatedWeights(): { directory: string; weights: string } {
  const generated = { directory: '', weights: '' };
  before(async () => {
    generated.directory = await mkdtemp(join(tmpdir(), 'semisup-test-'));
    generated.weights = join(generated.directory, 'weights.safetensors');
    await writeSafetensors(generatedState('resnet18'), generated.weights);
  });
  after(async () => {
    await rm(generated.directory, { recursive: true, force: true });
  });
  return generated;
}
