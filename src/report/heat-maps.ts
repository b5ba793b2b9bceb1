import type { Classifier } from '../classify';
import { ModelError } from '../errors';
import { renderHeatMap } from '../explain';
import { pixelsToSharp } from '../image/pixels-to-sharp';
import type { Pixels } from '../types';

/**
 * Draws what the model saw of an image, below the heat map of a class.
 *
 * @param index that of the class
 * @param side that of the picture, in pixels
 * @returns a JPEG; undefined if the model has no `class_maps`
 */
export async function drawHeatMap(
  model: Classifier,
  pixels: Pixels,
  index: number,
  side: number,
): Promise<Buffer | undefined> {
  try {
    const map = await model.explain(pixels, { class: index });
    const { data, width, height } = renderHeatMap(map, { width: side });
    const raw = { width, height, channels: 4 } as const;
    return await pixelsToSharp(pixels)
      .extract(wholePixels(map.box, pixels))
      .resize(side, side, { fit: 'fill' })
      .composite([{ input: Buffer.from(data.buffer), raw }])
      .jpeg({ quality: 80 })
      .toBuffer();
  } catch (error) {
    if (error instanceof ModelError && error.code === 'ERR_SEMISUP_MODEL_KIND') return undefined;
    throw error;
  }
}

function wholePixels(
  box: Readonly<Record<'x' | 'y' | 'width' | 'height', number>>,
  { width, height }: Pixels,
): Record<'left' | 'top' | 'width' | 'height', number> {
  const left = Math.min(Math.round(box.x), width - 1);
  const top = Math.min(Math.round(box.y), height - 1);
  const clamp = (length: number, room: number) => Math.min(Math.max(1, Math.round(length)), room);
  return {
    ...{ left, top },
    width: clamp(box.width, width - left),
    height: clamp(box.height, height - top),
  };
}
