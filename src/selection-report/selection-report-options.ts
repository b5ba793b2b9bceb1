import type { Dataset } from '../dataset';
import { checkOptionNames, checkSignal, invalidArgument, invalidValue } from '../options';

/** How far the pictures of a report are drawn. */
export interface SelectionReportProgress {
  /** The pictures that were drawn, or cannot be read. */
  readonly done: number;
  /** The pictures of the report. */
  readonly total: number;
}

/** Options of `writeSelectionReport`. */
export interface SelectionReportOptions {
  /** What `scorePool` was given, for the pictures. */
  readonly pool: Dataset | readonly Dataset[];
  /** The names of the model's classes, in their order. */
  readonly classes: readonly string[];
  /**
   * The true classes of images, by the names that the images have in the selection: a name of `classes`, or else the
   * image is wrong for all of them. Of a pool whose labels were not used, or of a part of it.
   */
  readonly labels?: ReadonlyMap<string, string>;
  /** The title of the page. */
  readonly title?: string;
  /** The number of pictures for each class, evenly spread over the ranks; 24 by default, at most 100. */
  readonly picturesPerClass?: number;
  /** That of `scorePool`; `false` by default. */
  readonly orient?: boolean;
  /** Called after each picture. */
  readonly onProgress?: (progress: SelectionReportProgress) => void;
  /** When aborted, the promise is rejected with the signal's reason, and no file is written. */
  readonly signal?: AbortSignal;
}

/** A page of photos of 50 classes then has about 50 MB. */
const maxPicturesPerClass = 100;

const optionNames = Object.keys({
  ...{ pool: true, classes: true, labels: true, title: true, picturesPerClass: true },
  ...{ orient: true, onProgress: true, signal: true },
} satisfies Record<keyof SelectionReportOptions, true>);

/**
 * @param numClasses the number of classes of the selection
 * @throws OptionError if an option is unknown or has an invalid value
 */
export function checkSelectionReportOptions(
  options: SelectionReportOptions,
  numClasses: number,
): void {
  checkOptionNames(options, optionNames, 'writeSelectionReport');
  const { classes, labels, title, picturesPerClass: pictures, orient, onProgress } = options ?? {};
  const isNames = Array.isArray(classes) && classes.every((name) => typeof name === 'string');
  if (!isNames || classes.length !== numClasses) {
    throw invalidArgument('classes', `the names of the ${numClasses} classes`, classes);
  }
  if (labels !== undefined && typeof labels?.get !== 'function') {
    throw invalidValue('labels', 'a Map of names of images to names of classes', labels);
  }
  if (title !== undefined && typeof title !== 'string') {
    throw invalidValue('title', 'a text', title);
  }
  const isCount = Number.isInteger(pictures) && pictures! >= 1 && pictures! <= maxPicturesPerClass;
  if (pictures !== undefined && !isCount) {
    throw invalidValue('picturesPerClass', `an integer from 1 to ${maxPicturesPerClass}`, pictures);
  }
  if (orient !== undefined && typeof orient !== 'boolean') {
    throw invalidValue('orient', 'true or false', orient);
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw invalidValue('onProgress', 'a function', onProgress);
  }
  checkSignal(options.signal);
}
