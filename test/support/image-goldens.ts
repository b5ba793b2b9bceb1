import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pixels, Transform } from '../../src/types';

const directory = join(__dirname, '../50.image');
const read = (name: string): unknown => JSON.parse(readFileSync(join(directory, name), 'utf8'));

/** Pillow's result for a file: the hashes of its samples and of the transformed tensor. */
export interface FileGolden {
  readonly width: number;
  readonly height: number;
  readonly samples: string;
  /** The samples after `exif_transpose`, if they differ. */
  readonly oriented?: string;
  readonly tensor: string;
}

/** Pillow's result for the pixels of `noise`. */
export interface NoiseGolden {
  readonly width: number;
  readonly height: number;
  readonly channels: Pixels['channels'];
  readonly cmyk: boolean;
  readonly resize: number;
  readonly crop: number;
  readonly interpolation: 'bilinear' | 'bicubic';
  readonly tensor: string;
}

/** Written by test/50.image/make-goldens.py. */
export const { files, noises } = read('goldens.json') as {
  files: Record<string, FileGolden>;
  noises: NoiseGolden[];
};

/** The hashes of the samples and of the tensor of each photo (see photos.ts). */
export const photos = read('photos.json') as Record<string, [samples: string, tensor: string]>;

/** The path of a file in fixtures/. */
export const fixture = (name: string): string => join(directory, 'fixtures', name);

/** The transform of the goldens, except where one specifies `resize` and `crop`. */
export const imagenet: Transform = {
  resize: 256,
  crop: 224,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};
