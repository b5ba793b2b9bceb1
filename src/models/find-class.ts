import { invalidValue, nearest } from '../options';
import type { ImageClass } from './classes';

/**
 * The index of the class that a caller names: by its index, its WordNet id, or a name, of which case does not matter.
 *
 * @throws OptionError if there is no such class, or several have the name
 */
export function findClass(classes: readonly ImageClass[], value: unknown): number {
  if (typeof value === 'string') return findNamed(classes, value);
  if (Number.isInteger(value) && classes[value as number]) return value as number;
  throw invalidValue(
    'class',
    `an index from 0 to ${classes.length - 1}, a WordNet id or a label`,
    value,
  );
}

function findNamed(classes: readonly ImageClass[], name: string): number {
  const byId = classes.find(({ wnid }) => wnid !== '' && wnid === name);
  if (byId) return byId.index;
  const key = name.toLowerCase();
  const select = (namesOf: (one: ImageClass) => readonly string[]) =>
    classes.filter((one) => namesOf(one).some((known) => known.toLowerCase() === key));
  const labeled = select(({ label }) => [label]);
  // The other names of a class count only if none is a label.
  const found = labeled.length > 0 ? labeled : select(({ lemmas }) => lemmas);
  if (found.length === 1) return found[0]!.index;
  if (found.length > 1) {
    const alternatives = found.map(({ index, wnid }) => (wnid ? `'${wnid}'` : String(index)));
    const remedy = `Several classes have this name: pass ${alternatives.join(' or ')}.`;
    throw invalidValue('class', 'one class', name, remedy);
  }
  const guess = nearest(
    key,
    classes.flatMap(({ label, lemmas }) => [label, ...lemmas].map((one) => one.toLowerCase())),
  );
  const remedy = guess ? `Did you mean '${guess}'?` : 'Pass one of model.classes.';
  throw invalidValue('class', 'an index, a WordNet id or a label of the model', name, remedy);
}
