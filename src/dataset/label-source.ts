import { isGroundTruth, labelByNumber, readGroundTruth } from './ground-truth';
import { readLabelList, type LabelList } from './label-list';

/** Returns the label of an image, by its name within the dataset; undefined if it has none. */
export type LabelSource = (name: string) => string | undefined;

/** The name of the directory that contains the image, or else the WordNet ID that its own name begins with. */
export function labelFromPath(name: string): string | undefined {
  const parts = name.split('/');
  return parts.length > 1 ? parts.at(-2) : /^(n\d{8})_/.exec(name)?.[1];
}

/** The labels in a file: a list of names with labels, or a source for images that it does not name. */
export type LabelFile = { readonly list: LabelList } | { readonly source: LabelSource };

/**
 * Reads a file of labels.
 *
 * @param names the names of the images, sorted, if they are known in advance
 * @throws DatasetError if it cannot be read or has another form
 */
export async function readLabelFile(
  path: string,
  names: readonly string[] | undefined,
): Promise<LabelFile> {
  if (await isGroundTruth(path)) {
    return { source: labelByNumber(await readGroundTruth(path), names) };
  }
  return { list: await readLabelList(path) };
}

/** The labels of a list, by name. */
export function labelFromList({ entries }: LabelList): LabelSource {
  const labels = new Map(entries.map(({ name, label }) => [name, label]));
  return (name) => labels.get(name);
}
