import { open, stat } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { glob } from 'tinyglobby';
import { DatasetError } from '../errors';
import { imageExtensions } from '../image';
import { imagesIn } from '../image/images-in';
import { ArchiveDataset } from './archive-dataset';
import { unreadable } from './errors';
import { FileDataset } from './file-dataset';
import { readLabelList, readNameList } from './label-list';
import { labelFromList, labelFromPath, readLabelFile } from './label-source';
import type { Dataset } from './sample';
import { expandPattern, isPattern } from './shards';

/** Opens a directory, a list, an archive or a pattern of archives. @throws as `openDataset` */
export async function openLayout(
  path: string,
  labels: string | false | undefined,
): Promise<Dataset> {
  const stats = await stat(path).catch((cause: unknown) => {
    if (isPattern(path)) return undefined;
    throw unreadable(path, cause);
  });
  if (!stats) {
    const paths = await expandPattern(path);
    if (paths.length === 0) throw empty(path, 'No file matches the pattern', 'Check the pattern.');
    return await openArchives(path, paths, labels);
  }
  if (stats.isDirectory()) return await openDirectory(path, labels);
  if (await isArchive(path)) return await openArchives(path, [path], labels);
  return await openList(path, labels);
}

async function openDirectory(path: string, labels: string | false | undefined): Promise<Dataset> {
  const options = { cwd: path, expandDirectories: false, caseSensitiveMatch: false };
  const names = (await imagesIn(path)).toSorted();
  if (names.length === 0) {
    const archives = (await glob('**/*.{tar,tar.gz,tgz}', options)).toSorted();
    if (archives.length > 0) {
      const paths = archives.map((name) => join(path, name));
      return await openArchives(path, paths, labels);
    }
    throw empty(
      path,
      'The directory contains no images',
      `Their names must end in one of ${imageExtensions.join(', ')}.`,
    );
  }
  if (labels === false) return new FileDataset(path, path, unlabeled(names));
  if (labels === undefined) {
    return withLabels(
      path,
      path,
      names,
      labelFromPath,
      await directoriesWithoutImages(path, names),
    );
  }
  const file = await readLabelFile(labels, names);
  if ('source' in file) return withLabels(path, path, names, file.source);
  // Images that the list names but that do not exist fail one by one; others have no label.
  const listed = file.list.entries.map(({ name }) => name);
  const all = new Set([...listed, ...names]);
  return withLabels(path, path, [...all], labelFromList(file.list));
}

/** The directories without images next to those that have some, but not those within the directory of a class. */
async function directoriesWithoutImages(
  path: string,
  images: readonly string[],
): Promise<string[]> {
  const options = { cwd: path, expandDirectories: false, onlyDirectories: true, dot: false };
  const directories = (await glob('**/*', options)).map((name) => name.replace(/\/$/, ''));
  const ofClasses = new Set(images.map((image) => posix.dirname(image)));
  const used = new Set(['.']);
  for (let name of ofClasses) {
    for (; !used.has(name); name = posix.dirname(name)) used.add(name);
  }
  return directories
    .filter((name) => {
      const parent = posix.dirname(name);
      return !used.has(name) && used.has(parent) && !ofClasses.has(parent);
    })
    .toSorted();
}

async function openArchives(
  name: string,
  paths: readonly string[],
  labels: string | false | undefined,
): Promise<Dataset> {
  if (labels === false) return new ArchiveDataset(name, paths, () => undefined, false);
  if (labels === undefined) return new ArchiveDataset(name, paths, labelFromPath);
  const file = await readLabelFile(labels, undefined);
  const labelOf = 'source' in file ? file.source : labelFromList(file.list);
  return new ArchiveDataset(name, paths, labelOf);
}

async function openList(path: string, labels: string | false | undefined): Promise<Dataset> {
  const entries =
    labels === false ? unlabeled(await readNameList(path)) : (await readLabelList(path)).entries;
  if (entries.length === 0) {
    throw empty(path, 'The list names no images', 'Write a line `filename label` for each image.');
  }
  return new FileDataset(path, dirname(path), entries);
}

function unlabeled(names: readonly string[]) {
  return names.map((name) => ({ name, label: undefined }));
}

function withLabels(
  path: string,
  root: string,
  names: readonly string[],
  labelOf: (name: string) => string | undefined,
  emptyClasses?: readonly string[],
): Dataset {
  const entries = names.map((name) => ({ name, label: labelOf(name) }));
  if (entries.some(({ label }) => label !== undefined)) {
    return new FileDataset(path, root, entries, emptyClasses);
  }
  throw new DatasetError('ERR_SEMISUP_DATASET_LABEL', {
    what: `None of the ${names.length} images in ${path} has a label.`,
    remedy:
      'Put them into a directory for each class, or pass a file with lines of `filename label` as `labels`; pass `labels: false` for images without labels.',
    value: path,
  });
}

/** Whether a file begins like a gzip file, or like a tar archive. */
async function isArchive(path: string): Promise<boolean> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
      const isGzip = bytesRead >= 2 && buffer.readUInt16BE(0) === 0x1f8b;
      const isTar = buffer.toString('latin1', 257, 262) === 'ustar';
      return isGzip || isTar || /\.(tar|tar\.gz|tgz)$/i.test(path);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function empty(path: string, problem: string, remedy: string): DatasetError {
  return new DatasetError('ERR_SEMISUP_DATASET_EMPTY', {
    what: `${problem}: ${path}.`,
    remedy,
    value: path,
  });
}
