// Writes the inputs of scripts/package/smoke.mjs and the results that this checkout computes for them:
//   node --require tsx test/support/smoke-inputs.ts <directory>
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hub } from '../../src/hub';
import { generatedImage, generatedState } from './generated-checkpoint';
import { root } from './run-node';
import { writeSafetensors } from './write-safetensors';

async function writeSmokeInputs(directory: string): Promise<void> {
  const weights = join(directory, 'weights.safetensors');
  const photo = join(directory, 'photo.jpg');
  await writeSafetensors(generatedState('resnet18'), weights);
  await copyFile(join(root, 'examples', 'clock.jpg'), photo);
  using image = generatedImage();
  await writeFile(join(directory, 'image.f32'), await image.data());
  await using model = await hub.load('resnet18_swsl', {
    weights,
    device: 'cpu',
    hubDir: directory,
  });
  using output = await model.forward(image);
  const logits = [...(await output.data())];
  const predictions = await model.classify(photo, { topk: 5 });
  await writeFile(join(directory, 'expected.json'), JSON.stringify({ logits, predictions }));
}

writeSmokeInputs(process.argv[2]!).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
