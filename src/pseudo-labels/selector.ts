import type { Sliced } from '../checkpoint/slices';
import { BoundedHeaps } from './bounded-heaps';
import { NameArena } from './name-arena';
import type { ScoreRows } from './score-rows';
import type { SelectionRule } from './select-options';
import { Selection } from './selection';
import type { Scoring } from './shard-info';

/** Names that no heap refers to any more are removed when the memory of names exceeds this, in bytes. */
const defaultCompactBytes = 2 ** 26;

/** Keeps the best images of each class, or the best pairs of all classes, of any number of scores. */
export class Selector {
  readonly #scoring: Scoring;
  readonly #rule: SelectionRule;
  readonly #heaps: BoundedHeaps;
  #names = new NameArena();
  readonly #minCompactBytes: number;
  /** The memory of names at which they are compacted. */
  #compactBytes: number;

  /** @param images the number of images that will be added */
  constructor(
    scoring: Scoring,
    rule: SelectionRule,
    images: number,
    minCompactBytes = defaultCompactBytes,
  ) {
    const { imagesPerClass, classesPerImage, balanced } = rule;
    const numClasses = scoring.conditions.classes;
    this.#scoring = scoring;
    this.#rule = rule;
    this.#minCompactBytes = minCompactBytes;
    this.#compactBytes = minCompactBytes;
    this.#heaps = balanced
      ? new BoundedHeaps(numClasses, Math.min(imagesPerClass, images), this.#names)
      : new BoundedHeaps(
          1,
          Math.min(imagesPerClass * numClasses, images * classesPerImage),
          this.#names,
        );
  }

  /** The memory of names, in bytes. */
  get nameBytes(): number {
    return this.#names.byteLength;
  }

  /** Adds the scores of images that were not added yet. */
  *add({ images, classes, scores }: ScoreRows<Uint8Array>): Sliced<void> {
    const { classesPerImage, balanced } = this.#rule;
    const { thresholds } = this.#heaps;
    for (let row = 0; row < images.length; row++) {
      // Stored once for all classes, if one takes it.
      let name: number | undefined;
      for (let rank = 0; rank < classesPerImage; rank++) {
        const classIndex = classes[rank]![row]!;
        const score = scores[rank]![row]!;
        const heap = balanced ? classIndex : 0;
        if (score < thresholds[heap]!) continue;
        name ??= this.#names.add(images[row]!);
        this.#heaps.push(heap, score, name, classIndex);
      }
      if (row % 64 === 63) yield;
    }
    if (this.#names.byteLength > this.#compactBytes) yield* this.#compact();
  }

  /** Adds one pair. `name` is a reference that `addName` returned. */
  addEntry(name: number, classIndex: number, score: number): void {
    const heap = this.#rule.balanced ? classIndex : 0;
    if (score >= this.#heaps.thresholds[heap]!) {
      this.#heaps.push(heap, score, name, classIndex);
    }
  }

  addName(name: Uint8Array): number {
    return this.#names.add(name);
  }

  /** @throws DatasetError if an image has two scores for one class */
  *finish(): Sliced<Selection> {
    for (const heap of this.#heaps.sizes.keys()) yield* this.#heaps.sort(heap);
    return yield* Selection.from(this.#heaps, this.#names, this.#scoring, this.#rule);
  }

  *#compact(): Sliced<void> {
    const names = new NameArena();
    yield* this.#heaps.moveNames(names);
    this.#names = names;
    this.#compactBytes = Math.max(this.#minCompactBytes, 2 * names.byteLength);
  }
}
