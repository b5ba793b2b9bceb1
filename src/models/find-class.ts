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

/**
 * The indices of the classes with a name: a WordNet id, or else a label, or else another name. Upper and lower case,
 * spaces, `_` and `-` are alike. None if there is no such class, several if they share the name.
 */
export function matchClasses(classes: readonly ImageClass[], name: string): number[] {
  const byId = classes.find(({ wnid }) => wnid !== '' && wnid === name);
  if (byId) return [byId.index];
  const key = normalizeName(name);
  const select = (namesOf: (one: ImageClass) => readonly string[]) =>
    classes.filter((one) => namesOf(one).some((known) => normalizeName(known) === key));
  const labeled = select(({ label }) => [label]);
  // The other names of a class count only if none is a label.
  return (labeled.length > 0 ? labeled : select(({ lemmas }) => lemmas)).map(({ index }) => index);
}

/** The known name that is nearest to one that no class has; undefined if none is near. */
export function nearestClass(classes: readonly ImageClass[], name: string): string | undefined {
  const known = classes.flatMap(({ label, lemmas }) => [label, ...lemmas].map(normalizeName));
  return nearest(normalizeName(name), known);
}

function findNamed(classes: readonly ImageClass[], name: string): number {
  const found = matchClasses(classes, name);
  if (found.length === 1) return found[0]!;
  if (found.length > 1) {
    const alternatives = found.map((index) => {
      const { wnid } = classes[index]!;
      return wnid ? `'${wnid}'` : String(index);
    });
    const remedy = `Several classes have this name: pass ${alternatives.join(' or ')}.`;
    throw invalidValue('class', 'one class', name, remedy);
  }
  const guess = nearestClass(classes, name);
  const remedy = guess ? `Did you mean '${guess}'?` : 'Pass one of model.classes.';
  throw invalidValue('class', 'an index, a WordNet id or a label of the model', name, remedy);
}

function normalizeName(name: string): string {
  return name
    .toLowerCase()
    .replace(/[_\s-]+/g, ' ')
    .trim();
}
