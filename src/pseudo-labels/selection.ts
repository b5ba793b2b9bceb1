import type { Sliced } from '../checkpoint/slices';
import { duplicate } from '../dataset';
import type { BoundedHeaps } from './bounded-heaps';
import { noSlot, type NameArena } from './name-arena';
import type { SelectionRule } from './select-options';
import type { Scoring } from './shard-info';

/** An image that was selected for a class. */
export interface SelectedImage {
  /** Its name within the pool. */
  readonly image: string;
  /** The softmax of the class, 0 to 1. */
  readonly score: number;
}

/** An image that was selected, with its labels. */
export interface PseudoLabeledImage {
  /** Its name within the pool. */
  readonly image: string;
  /** The indices of all classes that it was selected for, ascending. */
  readonly classes: readonly number[];
}

/** The pairs of image and class, ordered by class, within a class best first. */
interface Pairs {
  /** By class: the position of its first pair; at the end the number of pairs. */
  readonly starts: Float64Array;
  readonly scores: Float32Array;
  /** The index of each pair's image. */
  readonly images: Uint32Array;
}

/** The images, ordered by the first pair that has them. */
interface Images {
  /** References of the arena. */
  readonly names: Uint32Array;
  /** By image: the position of its first class; at the end the number of pairs. */
  readonly starts: Float64Array;
  readonly classes: Uint16Array;
}

/**
 * The images that were selected for each class. Equal scores are ordered by the names of the images, by code point.
 * It takes 14 bytes for each pair of image and class, and 20 bytes and the name for each image, most of it outside of
 * the JS heap.
 */
export class Selection {
  /** As the options of `selectImages`. */
  readonly imagesPerClass: number;
  /** As the options of `selectImages`. */
  readonly classesPerImage: number;
  /** As the options of `selectImages`. */
  readonly balanced: boolean;
  /** What the scores depend on. @internal */
  readonly scoring: Scoring;
  readonly #arena: NameArena;
  readonly #pairs: Pairs;
  readonly #images: Images;

  private constructor(
    scoring: Scoring,
    { imagesPerClass, classesPerImage, balanced }: SelectionRule,
    arena: NameArena,
    pairs: Pairs,
    images: Images,
  ) {
    this.scoring = scoring;
    this.imagesPerClass = imagesPerClass;
    this.classesPerImage = classesPerImage;
    this.balanced = balanced;
    this.#arena = arena;
    this.#pairs = pairs;
    this.#images = images;
  }

  /**
   * The pairs in sorted heaps.
   *
   * @throws DatasetError if one occurs twice
   * @internal
   */
  static *from(
    heaps: BoundedHeaps,
    arena: NameArena,
    scoring: Scoring,
    rule: SelectionRule,
  ): Sliced<Selection> {
    const pairs = yield* pairsOf(heaps, arena, scoring.conditions.classes);
    const names = yield* toImageIndices(pairs.images, arena);
    const images = { names, ...(yield* classesOfImages(pairs, names.length)) };
    return new Selection(scoring, rule, arena, pairs, images);
  }

  /** The number of classes of the model. */
  get numClasses(): number {
    return this.#pairs.starts.length - 1;
  }

  /** The number of pairs of image and class. */
  get size(): number {
    return this.#pairs.scores.length;
  }

  /** The number of different images. */
  get imageCount(): number {
    return this.#images.names.length;
  }

  /** The number of images that were selected for a class. */
  count(classIndex: number): number {
    const { starts } = this.#pairs;
    return (starts[classIndex + 1] ?? 0) - (starts[classIndex] ?? 0);
  }

  /** The images that were selected for a class, best first. */
  *imagesOf(classIndex: number): Generator<SelectedImage, void, undefined> {
    for (const { name, score } of this.pairsOf(classIndex)) {
      yield { image: name.toString('utf8'), score };
    }
  }

  /** The different images, each with all classes that it was selected for: what a student is trained on. */
  *images(): Generator<PseudoLabeledImage, void, undefined> {
    const { starts, classes } = this.#images;
    for (let i = 0; i < this.imageCount; i++) {
      yield {
        image: this.nameOf(i).toString('utf8'),
        classes: [...classes.subarray(starts[i], starts[i + 1])],
      };
    }
  }

  /** The pairs of a class, best first, with names as UTF-8. @internal */
  *pairsOf(
    classIndex: number,
  ): Generator<{ readonly name: Buffer; readonly image: number; readonly score: number }> {
    const { starts, scores, images } = this.#pairs;
    const end = starts[classIndex + 1] ?? 0;
    for (let i = starts[classIndex] ?? 0; i < end; i++) {
      yield { name: this.nameOf(images[i]!), image: images[i]!, score: scores[i]! };
    }
  }

  /** The name of an image by its index, as UTF-8. @internal */
  nameOf(image: number): Buffer {
    return this.#arena.bytesOf(this.#images.names[image]!);
  }
}

/** Orders pairs by class. Those of a class are in their order in the heaps. */
function* pairsOf(heaps: BoundedHeaps, arena: NameArena, numClasses: number): Sliced<Pairs> {
  const starts = new Float64Array(numClasses + 1);
  for (const [heap, size] of heaps.sizes.entries()) {
    for (let i = 0; i < size; i++) {
      starts[heaps.entry(heap, i).classIndex + 1]!++;
      if (i % 64 === 0) yield;
    }
  }
  for (let i = 1; i <= numClasses; i++) starts[i]! += starts[i - 1]!;
  const next = starts.slice();
  const size = starts[numClasses]!;
  const [scores, images] = [new Float32Array(size), new Uint32Array(size)];
  for (const [heap, count] of heaps.sizes.entries()) {
    for (let i = 0; i < count; i++) {
      const { score, name, classIndex } = heaps.entry(heap, i);
      const at = next[classIndex]!++;
      const isFirst = at === starts[classIndex];
      if (!isFirst && scores[at - 1] === score && arena.compare(images[at - 1]!, name) === 0) {
        throw duplicate('The pool', arena.textOf(name));
      }
      scores[at] = score;
      images[at] = name;
      if (i % 64 === 0) yield;
    }
  }
  return { starts, scores, images };
}

/** Replaces references to names by indices of images, and returns the references by index. */
function* toImageIndices(references: Uint32Array, arena: NameArena): Sliced<Uint32Array> {
  const names = new Uint32Array(references.length);
  let count = 0;
  for (let i = 0; i < references.length; i++) {
    const reference = references[i]!;
    let slot = arena.slotOf(reference);
    if (slot === noSlot) {
      slot = count++;
      names[slot] = reference;
      arena.setSlot(reference, slot);
    }
    references[i] = slot;
    if (i % 64 === 0) yield;
  }
  return names.subarray(0, count);
}

function* classesOfImages(
  { starts: classStarts, images }: Pairs,
  count: number,
): Sliced<Omit<Images, 'names'>> {
  const starts = new Float64Array(count + 1);
  for (let i = 0; i < images.length; i++) {
    starts[images[i]! + 1]!++;
    if (i % 64 === 0) yield;
  }
  for (let i = 1; i <= count; i++) {
    starts[i]! += starts[i - 1]!;
    if (i % 64 === 0) yield;
  }
  const next = starts.slice();
  const classes = new Uint16Array(images.length);
  for (let classIndex = 0; classIndex + 1 < classStarts.length; classIndex++) {
    for (let i = classStarts[classIndex]!; i < classStarts[classIndex + 1]!; i++) {
      classes[next[images[i]!]!++] = classIndex;
      if (i % 64 === 0) yield;
    }
  }
  return { starts, classes };
}
