import sharp from 'sharp';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Classifier } from '../../src/classify';
import { ScriptModule } from '../../src/torch';

/** The classes of the models, in their order. */
export const colors = ['red', 'green', 'blue'] as const;

export type Color = (typeof colors)[number];

const transform = { resize: 8, crop: 8, mean: [0, 0, 0], std: [1, 1, 1] } as const;

/**
 * Writes a model whose logits are four times the means of the color channels, plus `bias`, and returns the path. It
 * recognizes the color of an image, and explains it by the means of its quarters.
 */
export async function saveColorModel(
  path: string,
  bias: readonly number[] = [0, 0, 0],
): Promise<string> {
  const source = `
def forward(self, x):
    return 4.0 * x.mean([2, 3]) + torch.tensor([${bias.map((one) => one.toFixed(2)).join(', ')}])

def class_maps(self, x):
    maps = torch.adaptive_avg_pool2d(4.0 * x, [2, 2])
    return torch.cat([self.forward(x), torch.flatten(maps, 1)], 1)
`;
  await using module = await ScriptModule.create({ type: 'Colors', source });
  await module.save(path, { extraFiles: {} });
  return path;
}

/** Opens a model that `saveColorModel` wrote. */
export async function openColorModel(path: string): Promise<Classifier> {
  return await Classifier.open(path, { classes: [...colors], transform });
}

/** Writes a PNG of one color. `brightness`: 0 to 255. */
export async function saveColor(path: string, color: Color, brightness = 255): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const background = { r: 0, g: 0, b: 0 };
  background[color[0] as 'r' | 'g' | 'b'] = brightness;
  await sharp({ create: { width: 16, height: 8, channels: 3, background } })
    .png()
    .toFile(path);
  return path;
}
