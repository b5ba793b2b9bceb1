import { imagenet1k } from './imagenet1k';
import type { ModelMetadata } from './metadata';

/** One of the classes of a model. */
export interface ImageClass {
  /** Position in the logits, from 0. */
  readonly index: number;
  /** WordNet id, e.g. `n02123045`. */
  readonly wnid: string;
  /** The first lemma, e.g. `tabby`. Not unique: there are two cranes and two maillots. */
  readonly label: string;
  /** All lemmas of the WordNet synset, e.g. `tabby`, `tabby cat`. */
  readonly lemmas: readonly string[];
}

/** The 1000 classes of ImageNet-1k (ILSVRC 2012), in the order of the logits. */
export const classes: readonly ImageClass[] = imagenet1k.split('\n').map((line, index) => {
  const space = line.indexOf(' ');
  const lemmas = line.slice(space + 1).split(', ');
  return { index, wnid: line.slice(0, space), label: lemmas[0]!, lemmas };
});

/** The classes of a model, in the order of its logits; those of ImageNet alone have a wnid and lemmas. */
export function classesOf({
  labels,
  numClasses,
}: Pick<ModelMetadata, 'labels' | 'numClasses'>): readonly ImageClass[] {
  if (labels === 'imagenet1k') return classes;
  return Array.from({ length: numClasses }, (_, index) => {
    return { index, wnid: '', label: labels?.[index] ?? `class ${index}`, lemmas: [] };
  });
}
