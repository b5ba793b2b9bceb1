import type { Random } from '../support/random';

const junk = [
  ...['null', 'true', '-1', '0', '0.5', '1e999', '9007199254740993', '18446744073709551615'],
  ...['""', '"F32"', '"float32"', '"__proto__"', '"\\u0000"', '[]', '{}', '[[]]', '[-1,4]'],
  ...['{"toString":1}', '[1,2,3,4,5,6,7,8]', '['.repeat(200) + ']'.repeat(200)],
];

/** Replaces, removes or copies one value anywhere in JSON. */
export function editJson(text: string, random: Random): string {
  const root: unknown = JSON.parse(text);
  const places = [...placesIn(root)];
  const { container, key } = random.pick(places);
  const action = random.below(4);
  if (action === 0) container[key] = random.pick(places).container;
  else if (action === 1) Reflect.deleteProperty(container, key);
  else if (action === 2) container[`${key}${random.below(10)}`] = container[key];
  // A placeholder, because JSON.stringify cannot write all of these.
  else container[key] = '@junk@';
  try {
    return JSON.stringify(root).replace('"@junk@"', random.pick(junk));
  } catch {
    // The value now contains itself.
    return text;
  }
}

interface Place {
  readonly container: Record<string, unknown>;
  readonly key: string;
}

function* placesIn(value: unknown): Iterable<Place> {
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    yield { container: value as Record<string, unknown>, key };
    yield* placesIn((value as Record<string, unknown>)[key]);
  }
}
