import type { LeftOut } from '../evaluate';
import { describeError, note } from './terminal';

/** The number of images whose messages are printed. */
const maxMessages = 5;

/** Reports the images that do not count. */
export function noteLeftOut({ unreadable, unlabeled, excluded }: LeftOut): void {
  for (const image of unreadable.slice(0, maxMessages)) note(describeError(image));
  if (unreadable.length > 0) {
    note(`${unreadable.length} images could not be read, and do not count.`);
  }
  if (unlabeled.length > 0) {
    note(`${unlabeled.length} images have no label, and do not count, such as ${unlabeled[0]!}.`);
  }
  if (excluded.length > 0) {
    note(`${excluded.length} images have no right class, and do not count.`);
  }
}
