import { forEachConcurrently } from '../async-iteration';
import { isImageFailure } from '../classify';
import type { Sample } from '../dataset';
import { decode } from '../image';
import type { Pool } from '../pseudo-labels';
import { drawThumbnail } from '../report';
import type { SelectionReportOptions } from './selection-report-options';

/** The side of the thumbnails in pixels. */
const side = 160;

/** The number of images that are decoded at a time. */
const concurrency = 4;

/** Thumbnails as data URLs, by the name of the image; undefined if it cannot be read. Images may be missing. */
export type Thumbnails = ReadonlyMap<string, string | undefined>;

/** Draws images of a pool in one pass, which ends with the last of them. */
export async function drawThumbnails(
  pool: Pool,
  names: ReadonlySet<string>,
  { orient, signal, onProgress }: SelectionReportOptions,
): Promise<Thumbnails> {
  const thumbnails = new Map<string, string | undefined>();
  const draw = async ({ name, image }: Sample) => {
    try {
      const pixels = await decode(image, { orient, minSide: side, signal });
      thumbnails.set(name, await drawThumbnail(pixels, side));
    } catch (error) {
      if (!isImageFailure(error)) throw error;
      thumbnails.set(name, undefined);
    }
    onProgress?.({ done: thumbnails.size, total: names.size });
  };
  await forEachConcurrently(samplesOf(pool, names, signal), concurrency, draw);
  return thumbnails;
}

async function* samplesOf(
  pool: Pool,
  names: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Sample> {
  let found = 0;
  if (names.size === 0) return;
  for await (const sample of pool.samples({ skip: (name) => !names.has(name), signal })) {
    // A dataset of the caller may ignore `skip`.
    if (!names.has(sample.name)) continue;
    yield sample;
    if (++found === names.size) return;
  }
}
