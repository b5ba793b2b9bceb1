import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { SemisupError } from '../../../src/errors';
import { decode } from '../../../src/image';
import type { Pixels } from '../../../src/types';
import type { Random } from '../../support/random';
import type { Outcome, Seed, Target } from '../target';
import { filesOf } from './fixtures';

/** Larger images take long to compare. */
const limits = { pixels: 2 ** 22, milliseconds: 60_000 };

async function seeds(): Promise<Seed[]> {
  const files = await filesOf('test/50.image/fixtures', /\.(jpg|png|gif|webp|tif)$/);
  const png = files.find(({ name }) => name === 'rgb.png')!.bytes;
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  const size = `${info.width} ${info.height}`;
  const gray = data.subarray(0, info.width * info.height);
  return [
    ...files,
    { name: 'rgb.avif', bytes: await sharp(png).avif({ effort: 0 }).toBuffer() },
    { name: 'rgb.bmp', bytes: toBmp(data, info.width, info.height) },
    { name: 'rgb.ppm', bytes: Buffer.concat([Buffer.from(`P6\n${size}\n255\n`), data]) },
    { name: 'grey.pgm', bytes: Buffer.concat([Buffer.from(`P5 # comment\n${size} 255\n`), gray]) },
    { name: 'plain.pbm', bytes: Buffer.from('P1\n4 2\n1 0 1 0\n0 1 0 1\n') },
  ];
}

/** An uncompressed bitmap of 24 bits per pixel. */
function toBmp(rgb: Buffer, width: number, height: number): Buffer {
  const stride = Math.ceil((3 * width) / 4) * 4;
  const bmp = Buffer.alloc(54 + stride * height);
  bmp.write('BM');
  bmp.writeUInt32LE(bmp.length, 2);
  for (const [at, value] of [
    [10, 54],
    [14, 40],
    [18, width],
    [22, height],
  ] as const) {
    bmp.writeUInt32LE(value, at);
  }
  bmp.writeUInt16LE(1, 26);
  bmp.writeUInt16LE(24, 28);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        bmp[54 + (height - 1 - y) * stride + 3 * x + c] = rgb[3 * (y * width + x) + 2 - c]!;
      }
    }
  }
  return bmp;
}

/** Changes a byte of a PNG's chunk and corrects its checksum, so that decoders read beyond it. */
function editPng({ bytes }: Seed, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.toString('latin1', 1, 4) !== 'PNG') return copy;
  const chunks: number[] = [];
  for (let at = 8; at + 12 <= copy.length; at += 12 + copy.readUInt32BE(at)) chunks.push(at);
  const at = random.pick(chunks);
  const end = at + 8 + copy.readUInt32BE(at);
  copy[at + 4 + random.below(end - at - 4)] = random.below(256);
  copy.writeUInt32BE(crc32(copy.subarray(at + 4, end)), end);
  return copy;
}

function toRgb({ data, width, height, channels }: Pixels): Buffer {
  const rgb = Buffer.alloc(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) rgb[3 * i + c] = data[channels * i + (channels < 3 ? 0 : c)]!;
  }
  return rgb;
}

export const pictures: Target = {
  name: 'pictures',
  maxMemory: 2 ** 31,
  seeds,
  edit: editPng,
  reference: ['numpy', 'PIL.Image'],
  open: async ({ directory, askPython }) => {
    const path = join(directory, 'picture');
    return await Promise.resolve(async (input: Buffer): Promise<Outcome> => {
      let pixels: Pixels;
      try {
        pixels = await decode(input, { limits });
      } catch (error) {
        if (error instanceof SemisupError) {
          return { accepted: false, code: (error as SemisupError).code };
        }
        throw error;
      }
      if (pixels.cmyk) return { accepted: true };
      await writeFile(path, input);
      await writeFile(`${path}.rgb`, toRgb(pixels));
      const { width, height } = pixels;
      const mismatch = await askPython<string | null>('pillow_differs', path, width, height);
      return { accepted: true, mismatch: mismatch ?? undefined };
    });
  },
};
