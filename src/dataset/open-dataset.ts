import { checkOptionNames, checkPath } from '../options';
import type { Dataset } from './sample';

/** Options of `openDataset`. */
export interface DatasetOptions {
  /**
   * A file with the labels of images that are not in a directory for each class: a list with lines of `filename label`,
   * or ImageNet's `ILSVRC2012_validation_ground_truth.txt`. `false` opens images without labels, in any directories; a list
   * then names one image on each line.
   */
  readonly labels?: string | false;
}

/**
 * Opens images, which are labeled unless `labels` is `false`:
 * - a directory with a directory for each class, named by WordNet ID, class name or index;
 * - a directory of images, with `labels`, or with names that begin with WordNet IDs, such as `n01440764_10026.JPEG`;
 * - a text file with lines of `filename label`, whose names are relative to its directory;
 * - a `.tar` or `.tar.gz` of such directories, or of a WebDataset (`0001.jpg` and `0001.cls`), which is not unpacked;
 * - several of these archives: a directory of them, a pattern, or a range such as `val-{000000..000009}.tar`.
 *
 * @param path of the directory or file
 * @throws DatasetError if it does not exist, contains no images, or its files of labels cannot be used
 * @throws OptionError if an option is unknown or has an invalid value
 */
export async function openDataset(path: string, options: DatasetOptions = {}): Promise<Dataset> {
  checkPath('the path of a dataset', path);
  checkOptionNames(options, ['labels'], 'openDataset');
  const { labels } = options;
  if (labels !== undefined && labels !== false) checkPath('labels', labels);
  // Loaded on first use, with what reads archives and patterns.
  const { openLayout } = require('./layouts') as typeof import('./layouts');
  return await openLayout(path, labels);
}
