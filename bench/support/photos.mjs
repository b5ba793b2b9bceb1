import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

/** The directory of 100 photos named `<wnid>_<name>.JPEG`. */
export const photos =
  process.env.SEMISUP_BENCH_PHOTOS ??
  fileURLToPath(new URL('../../../shared/images', import.meta.url));
const [width, height] = [500, 375];

/** The names of the photos. */
export function findPhotoNames() {
  return readdirSync(photos).filter((name) => name.endsWith('.JPEG'));
}

/** Returns a folder of JPEGs: photos if available, or else 100 synthetic images written to `folder`. */
export async function findPhotos(folder) {
  if (existsSync(photos)) {
    const count = readdirSync(photos).length;
    return { path: photos, count, kind: `${count} photos` };
  }
  const path = join(folder, 'images');
  mkdirSync(path, { recursive: true });
  for (let i = 0; i < 100; i++) {
    await sharp(syntheticImage(i), { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 90 })
      .toFile(join(path, `${i}.jpg`));
  }
  return { path, count: 100, kind: `100 synthetic JPEGs, ${width}x${height}` };
}

/** Waves with noise, which compress about as well as a photo. */
function syntheticImage(seed) {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / 3);
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const wave = Math.sin((x + (i % 3) * 40) / (9 + seed)) + Math.cos((y * (1 + (seed % 7))) / 31);
    data[i] = 128 + 50 * wave + 24 * (Math.random() - 0.5);
  }
  return data;
}
