import { ModelError } from '../../errors';
import { abbreviate, invalidArgument, invalidValue, nearest } from '../../options';
import { baseline } from './baseline';
import type { ModelCard } from './card';
import { semiSupervised } from './semi-supervised';

/** The cards of all models, the baseline last. */
export const cards: readonly ModelCard[] = [...semiSupervised, baseline];

/** The card of a model, by its name or timm's name for it; undefined for any other name. */
export function findCard(name: string): ModelCard | undefined {
  return cards.find((one) => one.name === name || one.aliases.includes(name));
}

/**
 * The card of a model.
 *
 * @param name a model name such as `resnet50_swsl`, or timm's name for it
 * @throws OptionError if it is not a string
 * @throws ModelError (`ERR_SEMISUP_MODEL_UNKNOWN`) that names the nearest known model.
 */
export function card(name: string): ModelCard {
  if (typeof name !== 'string') throw invalidArgument('the name of a model', 'a string', name);
  const found = findCard(name);
  if (found) return found;
  const guess = nearest(
    name,
    cards.flatMap((one) => [one.name, ...one.aliases]),
  );
  throw new ModelError('ERR_SEMISUP_MODEL_UNKNOWN', {
    what: `The model '${abbreviate(name)}' is unknown.`,
    remedy: guess ? `Did you mean '${guess}'?` : `Use one of ${list().join(', ')}.`,
    value: name,
  });
}

const maxPatternLength = 200;

/**
 * The models' names that match a shell pattern: `*`, `?`, `[abc]`, `[a-c]`, `[!abc]`.
 *
 * @param pattern all names by default
 */
export function list(pattern = '*'): string[] {
  if (typeof pattern !== 'string' || pattern.length > maxPatternLength) {
    throw invalidValue(
      'the pattern',
      `a string of at most ${maxPatternLength} characters`,
      pattern,
    );
  }
  const expression = new RegExp(`^${globSource(pattern)}$`);
  return cards.map((one) => one.name).filter((name) => expression.test(name));
}

/** As in Python's `fnmatch`: an unclosed bracket is a literal, a reversed range matches nothing. */
function globSource(pattern: string): string {
  return pattern.replace(/\*+|\?|\[!?\]?[^\]]*\]|[^\w]/g, (token) => {
    if (token.startsWith('*')) return '.*';
    if (token === '?') return '.';
    if (token.length === 1) return `\\${token}`;
    const negated = token.startsWith('[!');
    const members = token
      .slice(negated ? 2 : 1, -1)
      .replace(/(.)-(.)/g, (range, from: string, to: string) => (from <= to ? range : ''))
      .replace(/[\\\][^]/g, '\\$&');
    return `[${negated ? '^' : ''}${members}]`;
  });
}
