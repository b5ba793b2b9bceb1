import { isImageFailure } from '../classify';
import type { Dataset } from '../dataset';
import { isCorrect, type Confusion, type Evaluation, type PictureResult } from '../evaluate';
import { decode } from '../image';
import { drawHeatMap } from './heat-maps';
import type { ReportOptions } from './report-options';
import { drawThumbnail, toUrl } from './thumbnail';

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

/** The pictures of a report. */
export interface ReportPictures {
  /** The center squares of the images. */
  readonly thumbnails: Pictures;
  /** What the model saw of the mistakes, below the heat maps of the predicted classes; empty without a model. */
  readonly heatMaps: Pictures;
}

/** Draws the pictures of a selection. Images that are missing by now are left out. */
export async function drawPictures(
  dataset: Dataset,
  { pairs, mistakes }: Selection,
  { model, orient, signal }: ReportOptions,
): Promise<ReportPictures> {
  const predicted = new Map(mistakes.map(({ name, classes }) => [name, classes[0]!]));
  const names = new Set([...pairs.flatMap(({ images }) => images), ...predicted.keys()]);
  const thumbnails = new Map<string, string>();
  const heatMaps = new Map<string, string>();
  const skip = (name: string) => !names.has(name);
  for await (const { name, image } of dataset.samples({ skip, signal })) {
    if (skip(name)) continue;
    try {
      const pixels = await decode(image, { orient, signal });
      thumbnails.set(name, await drawThumbnail(pixels, side));
      const index = predicted.get(name);
      if (model === undefined || index === undefined) continue;
      const heatMap = await drawHeatMap(model, pixels, index, side);
      if (heatMap) heatMaps.set(name, toUrl(heatMap));
    } catch (error) {
      if (!isImageFailure(error)) throw error;
    }
  }
  return { thumbnails, heatMaps };
}
