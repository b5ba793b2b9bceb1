import { chunksOf } from '../async-iteration';
import { isImageFailure, withoutPosition } from '../classify';
import { duplicate } from '../dataset';
import type { UnreadableImage } from '../evaluate';
import { decode, decodeFile, type DecodeOptions } from '../image';
import { checkLabels, classNamesOf, ProgressMeter, readContent } from '../learning';
import type { Pixels } from '../types';
import { PixelCache } from './pixel-cache';
import type { TrainingImage } from './training-image';
import type { LabeledSample, TrainingSource } from './training-source';

/** The images that are decoded at the same time. */
const concurrency = 8;

/** How images are read; with `minSide`, large JPEGs are decoded at a fraction of their size. */
export interface ReadOptions extends DecodeOptions {
  /** The memory for decoded images, in bytes. */
  readonly cacheBytes: number;
}

/** What is known of a dataset's images after all have been decoded once. */
interface ReadImages {
  readonly images: (Omit<TrainingImage, 'label'> & { readonly label: string })[];
  readonly unreadable: UnreadableImage[];
  readonly unlabeled: string[];
}

/**
 * The images of a dataset that can be decoded, in memory as files: images in archives with their bytes, the others as
 * paths. Decoded images are kept as far as the cache has room. An image with several labels is trained on once with each.
 */
export class TrainingSet {
  readonly name: string;
  readonly classNames: readonly string[];
  readonly images: readonly TrainingImage[];
  readonly unreadable: readonly UnreadableImage[];
  readonly unlabeled: readonly string[];
  readonly #options: DecodeOptions;
  readonly #cache: PixelCache;

  private constructor(
    name: string,
    classNames: readonly string[],
    { images, unreadable, unlabeled }: ReadImages,
    options: DecodeOptions,
    cache: PixelCache,
  ) {
    const indices = new Map(classNames.map((label, index) => [label, index]));
    this.name = name;
    this.classNames = classNames;
    this.images = images.map((image) => ({ ...image, label: indices.get(image.label)! }));
    this.unreadable = unreadable;
    this.unlabeled = unlabeled;
    this.#options = options;
    this.#cache = cache;
  }

  /**
   * Decodes all images once, so that those that cannot be decoded are known before the training.
   *
   * @param classNames the classes, if they are not the labels that occur; an image may then have several
   * @throws DatasetError if the images cannot be learned from
   */
  static async read(
    dataset: TrainingSource,
    { cacheBytes, ...options }: ReadOptions,
    onProgress: ((done: number, total: number | undefined, rate: number) => void) | undefined,
    classNames?: readonly string[],
  ): Promise<TrainingSet> {
    const cache = new PixelCache(cacheBytes);
    const meter = new ProgressMeter(dataset.size, ({ done, total, rate }) => {
      onProgress?.(done, total, rate);
    });
    const read: ReadImages = { images: [], unreadable: [], unlabeled: [] };
    const names = new Set<string>();
    const labels = new Set<string>();
    let sources = 0;
    for await (const samples of chunksOf(
      dataset.samples({ signal: options.signal }),
      concurrency,
    )) {
      for (const sample of samples) {
        if (names.has(sample.name)) throw duplicate(dataset.name, sample.name);
        names.add(sample.name);
        for (const label of sample.labels) labels.add(label);
      }
      const decoded = await Promise.all(
        samples.map(async (one) =>
          one.labels.length > 0 ? await decodeSample(one, options) : undefined,
        ),
      );
      for (const [i, { name, image: input, labels: own }] of samples.entries()) {
        const result = decoded[i];
        if (!result) read.unlabeled.push(name);
        else if ('error' in result) read.unreadable.push(result);
        else {
          const { pixels, sha256 } = result;
          cache.add(sources, pixels);
          for (const label of own)
            read.images.push({ name, input, label, sha256, source: sources });
          sources++;
        }
      }
      meter.add(samples.length);
    }
    const found = classNames
      ? checkLabels(dataset.name, read.images, classNames)
      : classNamesOf(dataset, labels, read.images, read.unreadable);
    return new TrainingSet(dataset.name, found, read, options, cache);
  }

  /** The memory that the cache has left, in bytes. */
  get freeCacheBytes(): number {
    return this.#cache.freeBytes;
  }

  /** The pixels of an image to train on. @throws ImageError if its file has changed and cannot be decoded */
  async decode(index: number): Promise<Pixels> {
    const { source, input } = this.images[index]!;
    return this.#cache.get(source) ?? (await decode(input, this.#options));
  }

  /** The pixels of an image in full size. @throws ImageError as `decode` */
  async decodeInFull(index: number): Promise<Pixels> {
    const { source, input } = this.images[index]!;
    const cached = this.#cache.get(source);
    const isFull = cached !== undefined && !('shrunkFrom' in cached);
    return isFull ? cached : await decode(input, { ...this.#options, minSide: undefined });
  }
}

interface DecodedSample {
  readonly pixels: Pixels;
  readonly sha256: string;
}

async function decodeSample(
  { name, image: input }: LabeledSample,
  options: DecodeOptions,
): Promise<DecodedSample | (UnreadableImage & { readonly error: true })> {
  try {
    const { image, sha256 } = await readContent(input, options.limits, options.signal);
    const pixels = 'bytes' in image ? await decodeFile(image, options) : image;
    return { pixels, sha256 };
  } catch (error) {
    if (!isImageFailure(error)) throw error;
    return { error: true, name, ...withoutPosition(error) };
  }
}
