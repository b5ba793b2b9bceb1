import type { Dataset } from '../dataset';
import { DatasetError } from '../errors';
import type { UnreadableImage } from '../evaluate';
import { maxClasses } from '../models';
import { abbreviate } from '../options';
import { contentsByLabel, type Photo } from './read-photos';

/** Fewer cannot be divided into images to learn from and images to judge by. */
const minPhotos = 2;

/** The names in a message; others are counted. */
const maxNames = 5;

/**
 * The names of the classes: the labels, sorted.
 *
 * @param labels all that occur
 * @param photos the images that can be read
 * @param unreadable the others, for the message
 * @throws DatasetError if there are fewer than two, one has fewer than two different images, or an image has several
 */
export function classNamesOf(
  { name: dataset, emptyClasses = [] }: Pick<Dataset, 'name' | 'emptyClasses'>,
  labels: ReadonlySet<string>,
  photos: readonly Photo[],
  unreadable: readonly UnreadableImage[],
): string[] {
  checkEmpty(dataset, emptyClasses);
  checkContradictions(dataset, photos);
  const contents = contentsByLabel(photos);
  const names = [...labels].toSorted();
  if (names.length < 2 || names.length > maxClasses) {
    throw classesError(
      dataset,
      `Expected images of 2 to ${maxClasses} classes in ${abbreviate(dataset)}, but received ${names.length === 1 ? `only '${abbreviate(names[0]!)}'` : names.length}.`,
      'Put the images into a directory for each class, or label them in a list.',
    );
  }
  const countOf = (name: string) => contents.get(name)?.size ?? 0;
  const scarce = names.filter((name) => countOf(name) < minPhotos);
  if (scarce.length > 0) {
    const counts = scarce.map((name) => `'${abbreviate(name)}' has ${countOf(name)}`);
    throw classesError(
      dataset,
      `Expected at least ${minPhotos} different images that can be read of each class in ${abbreviate(dataset)}, but ${enumerate(counts)}.${firstUnreadable(unreadable)}`,
      'Add images of the class, or remove it.',
    );
  }
  for (const name of names) checkName(dataset, name);
  return names;
}

/** The classes that were given. @throws DatasetError if an image has another one */
export function checkLabels(
  dataset: string,
  images: readonly Pick<Photo, 'name' | 'label'>[],
  classNames: readonly string[],
): readonly string[] {
  const known = new Set(classNames);
  const stranger = images.find(({ label }) => !known.has(label));
  if (stranger) {
    throw new DatasetError('ERR_SEMISUP_DATASET_LABEL', {
      what: `The label '${abbreviate(stranger.label)}' of ${stranger.name} in ${dataset} is no class of the training images.`,
      remedy: 'Correct the label, or add training images of the class.',
      value: stranger.label,
    });
  }
  return classNames;
}

function firstUnreadable(unreadable: readonly UnreadableImage[]): string {
  const [first] = unreadable;
  if (!first) return '';
  return ` Of ${unreadable.length} images that cannot be read, the first is ${abbreviate(first.name)}: ${first.message}`;
}

function checkEmpty(dataset: string, empty: readonly string[]): void {
  if (empty.length === 0) return;
  throw classesError(
    dataset,
    `Expected images in each directory of ${abbreviate(dataset)}, but there are none in ${enumerate(empty.map((name) => `'${abbreviate(name)}'`))}.`,
    'Add images whose format is supported (docs/image-formats.md), or remove the directory.',
  );
}

/** The metadata of a model have one line for each class. */
function checkName(dataset: string, name: string): void {
  if (name.length <= 1000 && !/\p{C}/u.test(name)) return;
  throw classesError(
    dataset,
    `Expected a line of printable text for the name of a class of ${abbreviate(dataset)}, but received '${abbreviate(name)}'.`,
    'Rename the class.',
  );
}

/** A copy in another class would be a wrong label for certain. */
function checkContradictions(dataset: string, photos: readonly Photo[]): void {
  const first = new Map<string, Photo>();
  const pairs: string[] = [];
  for (const photo of photos) {
    const other = first.get(photo.sha256);
    if (!other) first.set(photo.sha256, photo);
    else if (other.label !== photo.label) {
      const nameOf = ({ name, label }: Photo) => `${abbreviate(name)} ('${abbreviate(label)}')`;
      pairs.push(`${nameOf(other)} and ${nameOf(photo)}`);
    }
  }
  if (pairs.length === 0) return;
  throw new DatasetError('ERR_SEMISUP_DATASET_CONTRADICTION', {
    what: `Expected one label for each image of ${abbreviate(dataset)}, but identical images have two: ${enumerate(pairs)}.`,
    remedy: 'Remove the copy with the wrong label.',
    value: dataset,
  });
}

function classesError(dataset: string, what: string, remedy: string): DatasetError {
  return new DatasetError('ERR_SEMISUP_DATASET_CLASSES', { what, remedy, value: dataset });
}

function enumerate(items: readonly string[]): string {
  const rest = items.length - maxNames;
  const shown = items.slice(0, maxNames).join(', ');
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}
