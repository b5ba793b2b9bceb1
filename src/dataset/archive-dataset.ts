import { dirname, relative, resolve, sep } from 'node:path';
import { ImageError } from '../errors';
import { completeLimits, isImageName, type ImageInput } from '../image';
import { duplicate } from './errors';
import type { LabelSource } from './label-source';
import type { Dataset, Sample, SamplesOptions } from './sample';
import { readTar, type TarEntry } from './tar';

/** The extension of the file with the class of an image, in a WebDataset. */
const classExtension = 'cls';

/**
 * Images in tar archives, which are read without unpacking them: either WebDataset shards, in which `0001.cls` has the
 * class of `0001.jpg`, or archives of directories.
 */
export class ArchiveDataset implements Dataset {
  readonly name: string;
  readonly #paths: readonly string[];
  readonly #labelOf: LabelSource;
  readonly #hasClassFiles: boolean;

  /**
   * @param paths the archives, in their order
   * @param labelOf the label of an image without a class file
   * @param hasClassFiles whether class files are read
   */
  constructor(name: string, paths: readonly string[], labelOf: LabelSource, hasClassFiles = true) {
    this.name = name;
    this.#paths = paths;
    this.#labelOf = labelOf;
    this.#hasClassFiles = hasClassFiles;
  }

  async *samples({ skip, signal }: SamplesOptions = {}): AsyncGenerator<Sample> {
    const seen = new Set<string>();
    const { bytes: maxBytes } = completeLimits();
    const root = commonDirectory(this.#paths);
    for (const path of this.#paths) {
      // Names are unique within an archive only.
      const prefix = this.#paths.length > 1 ? `${relativeTo(root, path)}/` : '';
      const wanted = (name: string) => {
        if (isClassFile(name)) return this.#hasClassFiles;
        if (!isImageName(name)) return false;
        if (seen.has(prefix + name)) throw duplicate(path, name);
        seen.add(prefix + name);
        return !skip?.(prefix + name);
      };
      for await (const { images, label } of groups(readTar(path, { wanted, maxBytes, signal }))) {
        for (const entry of images) {
          const name = prefix + entry.name;
          yield { name, label: label ?? this.#labelOf(entry.name), image: imageOf(entry) };
        }
      }
    }
  }
}

/** The deepest directory that contains all files. */
function commonDirectory(paths: readonly string[]): string {
  const isAbove = (directory: string) =>
    paths.every((path) => !relative(directory, path).startsWith('..'));
  let directory = dirname(resolve(paths[0]!));
  while (!isAbove(directory) && directory !== dirname(directory)) directory = dirname(directory);
  return directory;
}

function relativeTo(directory: string, path: string): string {
  return relative(directory, path).split(sep).join('/');
}

interface Group {
  readonly images: TarEntry[];
  readonly label: string | undefined;
}

/** The images of consecutive entries whose paths are equal up to the first period of the file's name. */
async function* groups(entries: AsyncIterable<TarEntry>): AsyncGenerator<Group> {
  let key: string | undefined;
  let images: TarEntry[] = [];
  let label: string | undefined;
  for await (const entry of entries) {
    const next = keyOf(entry.name);
    if (next !== key) {
      yield { images, label };
      [key, images, label] = [next, [], undefined];
    }
    if (isClassFile(entry.name)) label = entry.bytes?.toString('utf8').trim();
    else images.push(entry);
  }
  yield { images, label };
}

function isClassFile(name: string): boolean {
  return name.endsWith(`.${classExtension}`);
}

function keyOf(name: string): string {
  return name.replace(/\.[^/]*$/, '');
}

function imageOf({ name, bytes }: TarEntry): ImageInput {
  if (bytes) return bytes;
  return (async function* (): AsyncGenerator<Uint8Array> {
    yield await Promise.reject<Uint8Array>(tooLarge(name));
  })();
}

function tooLarge(name: string): ImageError {
  return new ImageError('ERR_SEMISUP_IMAGE_TOO_LARGE', {
    what: `${name} is larger than the limit of ${completeLimits().bytes} bytes.`,
    remedy: 'Resize the image.',
    value: name,
  });
}
