import { runInSlices } from '../checkpoint/slices';
import { invalidArgument } from '../options';
import type { SelectionRule } from './select-options';
import { Selector } from './selector';
import type { Selection } from './selection';
import { scoringDifference } from './shard-info';

/**
 * Merges selections of pools that have no image in common: the result is the selection of their union. So pools that
 * are scored on different machines can be selected from there.
 *
 * @throws OptionError unless they were made by the same model with the same options
 * @throws DatasetError if both have an image for the same class
 */
export async function mergeSelections(first: Selection, second: Selection): Promise<Selection> {
  const { scoring, imagesPerClass, classesPerImage, balanced } = first;
  const rule = { imagesPerClass, classesPerImage, balanced };
  const difference =
    scoringDifference(scoring, second.scoring) ??
    Object.entries(rule).find(
      ([name, value]) => second[name as keyof SelectionRule] !== value,
    )?.[0];
  if (difference !== undefined) {
    throw invalidArgument('the selections', 'two of the same model and options', difference);
  }
  const selector = new Selector(scoring, rule, first.imageCount + second.imageCount);
  for (const selection of [first, second]) await runInSlices(addAll(selector, selection));
  return await runInSlices(selector.finish());
}

function* addAll(selector: Selector, selection: Selection): Generator<void, void, void> {
  const names = new Uint32Array(selection.imageCount);
  for (const image of names.keys()) {
    names[image] = selector.addName(selection.nameOf(image));
    if (image % 64 === 0) yield;
  }
  for (let classIndex = 0; classIndex < selection.numClasses; classIndex++) {
    let count = 0;
    for (const { image, score } of selection.pairsOf(classIndex)) {
      selector.addEntry(names[image]!, classIndex, score);
      if (++count % 64 === 0) yield;
    }
    yield;
  }
}
