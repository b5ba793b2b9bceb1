import { invalidValue } from '../options';
import type { Views } from '../types';

/** The number of views of an image. */
export const viewCounts: Readonly<Record<Views, number>> = {
  center: 1,
  flip: 2,
  'five-crop': 5,
  'ten-crop': 10,
};

/** @throws OptionError unless `views` is undefined or one of the names */
export function completeViews(views: Views = 'center'): Views {
  if (typeof views === 'string' && Object.hasOwn(viewCounts, views)) return views;
  throw invalidValue('views', `one of '${Object.keys(viewCounts).join(`', '`)}'`, views);
}
