import { distance } from 'fastest-levenshtein';
import { OptionError, SemisupError } from './errors';

/** The distance of longer names takes long to compute. */
const maxTypoLength = 200;

/** The known name nearest to `name`, if it is near enough to be a typo. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > maxTypoLength) return undefined;
  // Prefer a name of the same length if two are equally near: swapped letters are a common typo.
  const rank = (one: string) => distance(name, one) + (one.length === name.length ? 0 : 0.5);
  const [candidate] = known.toSorted((a, b) => rank(a) - rank(b));
  if (candidate === undefined) return undefined;
  return distance(name, candidate) <= Math.max(2, name.length / 3) ? candidate : undefined;
}

/**
 * Throws `OptionError` unless `options` is an object (or undefined) with known names only; the error
 * names the nearest known one. `where` is the function's public name, e.g. `hub.load`.
 */
export function checkOptionNames(
  options: object | undefined,
  known: readonly string[],
  where: string,
): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new OptionError('ERR_SEMISUP_OPTION_VALUE', {
      what: `Expected an object of options for ${where}, but received ${describe(options)}.`,
      remedy: `Pass { ${known.join(', ')} }, each of them optional.`,
      value: options,
    });
  }
  for (const name of guardGetters(`the options of ${where}`, options, () => Object.keys(options))) {
    if (known.includes(name)) continue;
    const guess = nearest(name, known);
    throw new OptionError('ERR_SEMISUP_OPTION_UNKNOWN', {
      what: `${where} has no option '${abbreviate(name)}'.`,
      remedy: guess ? `Did you mean '${guess}'?` : `Use one of ${known.join(', ')}.`,
      value: name,
    });
  }
  // A getter that throws is reported here, so that the caller can read the options.
  for (const name of known) {
    guardGetters(
      `the option '${name}' of ${where}`,
      options,
      () => Reflect.get(options, name) as unknown,
    );
  }
}

/** A copy of `options` that contains only the given names. */
export function pick<Options extends object, Name extends keyof Options>(
  options: Options,
  names: readonly Name[],
): Pick<Options, Name> {
  const entries = names.filter((name) => name in options).map((name) => [name, options[name]]);
  return Object.fromEntries(entries) as Pick<Options, Name>;
}

/** The error for an invalid optional value: "Expected X for Y, but received Z of type T." */
export function invalidValue(
  name: string,
  expected: string,
  received: unknown,
  remedy = 'Correct the value, or leave it out for the default.',
): OptionError {
  return new OptionError('ERR_SEMISUP_OPTION_VALUE', {
    what: `Expected ${expected} for ${name}, but received ${describe(received)}.`,
    remedy,
    value: received,
  });
}

/** Like `invalidValue`, for a value that is required. */
export function invalidArgument(name: string, expected: string, received: unknown): OptionError {
  return invalidValue(name, expected, received, 'Correct the value.');
}

/** At most 200 characters of a text, without control characters and lone surrogates, for messages. */
export function abbreviate(text: string): string {
  const start = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return start.replace(/[\p{Cc}\p{Cs}]/gu, '?');
}

function describe(value: unknown): string {
  try {
    return describeReadable(value);
  } catch {
    return 'an object that cannot be read';
  }
}

/** Throws if a getter of the value or a proxy trap throws. */
function describeReadable(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object') return `an object of class ${classNameOf(value)}`;
  if (typeof value === 'string') {
    return `'${abbreviate(value)}' of type string`;
  }
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') {
    return `${abbreviate(String(value))} of type ${typeof value}`;
  }
  return `a ${typeof value}`;
}

function classNameOf(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === 'string' && name !== '' ? abbreviate(name) : 'null';
}

/**
 * Returns the result of `read`, which reads an object of the caller. If a getter of the object or a proxy
 * trap throws, throws an `OptionError` with that error as its cause. `name` is the object's, as in "Reading
 * the shape threw an error", for the message.
 */
export function guardGetters<T>(name: string, object: unknown, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof SemisupError) throw cause;
    throw new OptionError('ERR_SEMISUP_OPTION_VALUE', {
      what: `Reading ${name} threw an error: ${describeThrown(cause)}.`,
      remedy: 'Pass plain values, without getters that throw.',
      value: object,
      cause,
    });
  }
}

/** What was thrown, for messages: an error's message, or a description of any other value. */
export function describeThrown(cause: unknown): string {
  try {
    // Not `instanceof Error`: in a context of node:vm, errors of Node are of another realm.
    const message: unknown = (cause as { readonly message?: unknown } | null | undefined)?.message;
    return typeof message === 'string' && message !== '' ? abbreviate(message) : describe(cause);
  } catch {
    return 'an object that cannot be read';
  }
}

/**
 * Throws `OptionError` unless `path` is a non-empty string without NUL, at which the operating system would cut it.
 *
 * @param name what it is the path of
 */
export function checkPath(name: string, path: unknown): asserts path is string {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return;
  throw invalidArgument(name, 'a path', path);
}

/** Throws `OptionError` unless `signal` is an `AbortSignal` or undefined. */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw invalidValue('signal', 'an AbortSignal', signal);
}
