import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pixels, Transform } from '../../src/types';

const folder = join(__dirname, '../50.image');
const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));

/** What Pillow makes of a file: hashes of its samples and of the transform's tensor. */
export interface FileGolden {
  readonly width: number;
  readonly height: number;
  readonly samples: string;
  /** The samples after `exif_transpose`, where they are others. */
  readonly oriented?: string;
  readonly tensor: string;
}

/** What Pillow makes of generated pixels. */
export interface NoiseGolden {
  readonly width: number;
  readonly height: number;
  readonly channels: Pixels['channels'];
  readonly cmyk: boolean;
  readonly resize: number;
  readonly crop: number;
  readonly tensor: string;
}

/** Written by test/50.image/make-goldens.py. */
export const { files, noises } = read('goldens.json') as {
  files: Record<string, FileGolden>;
  noises: NoiseGolden[];
};

/** Hashes of samples and tensor of each photo in ../shared/images. */
export const photos = read('photos.json') as Record<string, [samples: string, tensor: string]>;

/** The path of a file in fixtures/. */
export const fixture = (name: string): string => join(folder, 'fixtures', name);

/** The transform of the goldens, but for its sizes. */
export const imagenet: Transform = {
  resize: 256,
  crop: 224,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};
