import { isImageFailure } from '../classify';
import type { Dataset } from '../dataset';
import { isCorrect, type Confusion, type Evaluation, type PictureResult } from '../evaluate';
import { decode, pixelsToSharp } from '../image';

/** The numbers of pairs, of images of a pair, and of mistakes that a report shows. */
const limits = { pairs: 9, imagesOfPair: 3, mistakes: 12 };
/** The side of the thumbnails in pixels: twice their size on most screens. */
const side = 320;

/** The images of an evaluation that a report shows. */
export interface Selection {
  /** The most confused pairs. */
  readonly pairs: readonly Confusion[];
  /** The mistakes with the highest scores. */
  readonly mistakes: readonly PictureResult[];
}

/** Pictures as data URLs, by the name of the image. */
export type Pictures = ReadonlyMap<string, string>;

export function selectImages({ confusions, results }: Evaluation): Selection {
  return {
    pairs: confusions
      .slice(0, limits.pairs)
      .map((one) => ({ ...one, images: one.images.slice(0, limits.imagesOfPair) })),
    mistakes: results
      .filter((result) => !isCorrect(result, 1))
      .toSorted((a, b) => b.scores[0]! - a.scores[0]!)
      .slice(0, limits.mistakes),
  };
}

/**
 * Draws a thumbnail of each of the images: the center square. Those that are missing by now are left out.
 */
export async function drawThumbnails(
  dataset: Dataset,
  names: ReadonlySet<string>,
  { orient, signal }: { readonly orient?: boolean; readonly signal?: AbortSignal },
): Promise<Pictures> {
  const pictures = new Map<string, string>();
  const skip = (name: string) => !names.has(name);
  for await (const { name, image } of dataset.samples({ skip, signal })) {
    if (skip(name)) continue;
    try {
      const pixels = await decode(image, { orient, signal });
      const jpeg = await pixelsToSharp(pixels)
        .resize(side, side, { fit: 'cover' })
        .jpeg({ quality: 80 })
        .toBuffer();
      pictures.set(name, `data:image/jpeg;base64,${jpeg.toString('base64')}`);
    } catch (error) {
      if (!isImageFailure(error)) throw error;
    }
  }
  return pictures;
}
