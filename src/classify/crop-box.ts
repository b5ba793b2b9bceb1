import type { Transform } from '../types';

/** A rectangle in pixels of an image, from its top left corner. Not rounded. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The part of an image that a transform's crop shows to the model. */
export function cropBox(
  { width, height }: Pick<Box, 'width' | 'height'>,
  { resize, crop }: Transform,
): Box {
  const shorter = Math.min(width, height);
  const axis = (side: number) => {
    // As in binding/image/transform.cc.
    const resized = Math.floor((resize * side) / shorter);
    const scale = side / resized;
    return { start: cropOffset(resized, crop) * scale, length: crop * scale };
  };
  const [columns, rows] = [axis(width), axis(height)];
  return { x: columns.start, y: rows.start, width: columns.length, height: rows.length };
}

/** Python's `round((resized - crop) / 2)`, which rounds halves to even. */
function cropOffset(resized: number, crop: number): number {
  const margin = resized - crop;
  const half = Math.floor(margin / 2);
  return margin % 2 === 0 ? half : half + (half % 2);
}
