import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import sharp from 'sharp';
import type { ImageInput } from '../../src';
import { buildTorchScript } from '../../src/convert';
import { card } from '../../src/models';
import { generatedState } from '../support/generated-checkpoint';
import { photosDirectory } from '../support/photos';
import { root } from '../support/run-node';

/** The class that the second model always predicts. */
export const favorite = 7;

/** An image that can be classified, and ways to pass it. */
export interface GoodImage {
  readonly path: string;
  readonly bytes: Buffer;
}

/** Something that is not an image, and the code of the error that it must cause. */
export interface BadImage {
  readonly image: ImageInput;
  readonly code: RegExp;
}

/** Writes two ResNet-18 with generated weights, which predict different classes. */
export async function writeModels(directory: string): Promise<[string, string]> {
  const write = async (name: string, biased: boolean) => {
    const state = generatedState('resnet18');
    const bias = state.tensors.get('fc.bias')!;
    const read = async () => {
      const bytes = await bias.read();
      new Float32Array(bytes.buffer)[favorite]! += 1000;
      return bytes;
    };
    const tensors = new Map(state.tensors);
    if (biased) tensors.set('fc.bias', { ...bias, read });
    const path = join(directory, name);
    const source = { file: 'generated', sha256: '0'.repeat(64) };
    const origin = { ...card('resnet18_swsl'), license: null };
    await buildTorchScript({ card: origin, state: { ...state, tensors }, source, path });
    return path;
  };
  return [await write('one.pt', false), await write('two.pt', true)];
}

/** Photos, where there are any, and images in several formats. */
export async function writeGoodImages(directory: string): Promise<GoodImage[]> {
  const clock = await readFile(join(root, 'examples', 'clock.jpg'));
  const formats = {
    'image.jpg': clock,
    'image.png': await sharp(clock).resize(320, 240, { fit: 'fill' }).png().toBuffer(),
    'image.webp': await sharp(clock).resize(500).webp().toBuffer(),
    'image.avif': await sharp(clock).resize(200).avif({ effort: 0 }).toBuffer(),
    'gray.png': await sharp(clock).grayscale().toColourspace('b-w').png().toBuffer(),
  };
  const paths: string[] = [];
  for (const [name, bytes] of Object.entries(formats)) {
    const path = join(directory, name);
    await writeFile(path, bytes);
    paths.push(path);
  }
  const photos = photosDirectory();
  if (photos) {
    const names = await readdir(photos);
    paths.push(...names.filter((name) => /\.jpe?g$/i.test(name)).map((name) => join(photos, name)));
  }
  return await Promise.all(paths.map(async (path) => ({ path, bytes: await readFile(path) })));
}

/** Every kind of bad input. */
export async function writeBadImages(directory: string): Promise<BadImage[]> {
  const jpeg = await readFile(join(root, 'examples', 'clock.jpg'));
  const corrupt = Buffer.from(jpeg);
  corrupt.fill(0xff, 200, 600);
  const text = join(directory, 'text.jpg');
  await writeFile(text, 'This is no image.\n'.repeat(10));
  const huge = await sharp({
    create: { width: 20_000, height: 20_000, channels: 3, background: 'white' },
    limitInputPixels: false,
  })
    .png({ compressionLevel: 1 })
    .toBuffer();
  const failing = () =>
    Readable.from(
      (function* () {
        yield jpeg.subarray(0, 1000);
        throw new Error('the connection was reset');
      })(),
    );
  return [
    { image: jpeg.subarray(0, jpeg.length >> 1), code: /IMAGE_DECODE/ },
    { image: corrupt, code: /IMAGE_DECODE|IMAGE_FORMAT/ },
    { image: Buffer.alloc(0), code: /IMAGE_(FORMAT|DECODE)/ },
    { image: text, code: /IMAGE_FORMAT/ },
    { image: huge, code: /IMAGE_TOO_LARGE/ },
    { image: join(directory, 'missing.jpg'), code: /IMAGE_NOT_FOUND/ },
    { image: directory, code: /IMAGE_DECODE/ },
    { image: 42 as unknown as string, code: /OPTION_VALUE/ },
    { image: { data: Buffer.alloc(5), width: 2, height: 2, channels: 3 }, code: /OPTION_VALUE/ },
    {
      image: { [Symbol.asyncIterator]: () => failing()[Symbol.asyncIterator]() } as never,
      code: /IMAGE_DECODE/,
    },
  ];
}
