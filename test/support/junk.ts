import fc from 'fast-check';

/** How to make a value, because fast-check itself reads the properties of those that it generates. */
export interface Recipe {
  make(): unknown;
  toString(): string;
}

/** Values of every type, among them objects that cannot be read. */
const makers: readonly (() => unknown)[] = [
  ...[
    ...[
      undefined,
      null,
      true,
      false,
      0,
      1,
      -1,
      1.5,
      NaN,
      Infinity,
      2 ** 31,
      2 ** 53,
      1n,
      -(2n ** 70n),
    ],
    ...['', ' ', 'x', '\0', 'a\0b', '\ud800', '__proto__', 'constructor', 'x'.repeat(100_000)],
    ...['http://localhost/x', 'file://host/x', 'file:///%00'],
  ].map((value) => () => value),
  () => Symbol('x'),
  () => () => 1,
  () => () => undefined,
  () => () => Promise.resolve({}),
  // eslint-disable-next-line @typescript-eslint/no-extraneous-class -- any class
  () => class {},
  () => [],
  () => [undefined],
  () => Object.assign([], { 2: 1 }),
  () => new Array<unknown>(4_000_000_000),
  () => [[1, 2], [3]],
  () => ({}),
  () => ({ then: 1 }),
  () => ({ kwargs: { x: 1 } }),
  () => ({ length: 3 }),
  () => Object.create(null) as unknown,
  () => ({ toString: 1, valueOf: null }),
  () => new Date(NaN),
  () => new Map([[{}, 1]]),
  () => new Set([1]),
  () => new URL('http://localhost/x'),
  () => new URL('file://host/x'),
  () => Buffer.alloc(0),
  () => Buffer.from('not a file'),
  () => new Float32Array(3),
  () => new DataView(new ArrayBuffer(8)),
  () => new SharedArrayBuffer(8),
  () => resizable(),
  () => new Uint8Array(resizable()),
  () => detached(),
  () => detached().buffer,
  () => new Blob(['not a file']),
  () => new AbortController(),
  () => new Proxy({}, throwingTraps),
  () => new Proxy([], throwingTraps),
  () => new Proxy(() => 1, throwingTraps),
  () => revoked(),
  () => ({ data: Buffer.alloc(3), width: 1, height: 1, channels: 3, get cmyk() { throw new Error('getter'); } }), // prettier-ignore
  () => ({ data: Buffer.alloc(3), width: 2 ** 53, height: 1, channels: 3 }),
  () => ({ data: 'x', width: 1, height: 1, channels: 3 }),
  () => ({ metadata: () => 1, raw: () => 1, toBuffer: () => 1, clone: () => 1 }),
  () => ({ [Symbol.asyncIterator]: () => 1 }),
  () => streamOf(1),
  () => streamOf('text'),
  () => failingStream(),
];

function recipe(description: string, make: () => unknown): Recipe {
  return { make, toString: () => description };
}

const known = fc.constantFrom(...makers).map((make) => recipe(make.toString().slice(0, 100), make));

const anything = fc
  .anything({ withNullPrototype: true, withBigInt: true, maxDepth: 2 })
  .map((value) => recipe(fc.stringify(value), () => value));

const lists = fc
  .array(known, { maxLength: 3 })
  .map((items) => recipe(`[${items.map(String).join()}]`, () => items.map((item) => item.make())));

/** Any junk. */
export const junk: fc.Arbitrary<Recipe> = fc.oneof(
  { weight: 4, arbitrary: known },
  { weight: 1, arbitrary: anything },
  { weight: 1, arbitrary: lists },
);

/** Junk, or an object with some of these options, whose values are junk or getters that throw. */
export function junkOptions(names: readonly string[]): fc.Arbitrary<Recipe> {
  const name = fc.constantFrom(...names);
  const withValues = fc
    .array(fc.tuple(name, junk), { minLength: 1, maxLength: 2 })
    .map((options) =>
      recipe(`{${options.map(([name, value]) => `${name}: ${String(value)}`).join()}}`, () =>
        Object.fromEntries(options.map(([name, value]) => [name, value.make()])),
      ),
    );
  const withGetter = name.map((name) =>
    recipe(`{get ${name}() { throw }}`, () =>
      Object.defineProperty({}, name, {
        enumerable: true,
        get() {
          throw new Error('getter');
        },
      }),
    ),
  );
  return fc.oneof(junk, withValues, withValues, withGetter);
}

const throwingTraps: ProxyHandler<object> = Object.fromEntries(
  ['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor', 'set'].map((trap) => [
    trap,
    () => {
      throw new Error(`trap ${trap}`);
    },
  ]),
);

/** Node 20 has resizable buffers, but the types of the language version do not. */
function resizable(): ArrayBuffer {
  const Resizable = ArrayBuffer as new (length: number, options: object) => ArrayBuffer;
  return new Resizable(8, { maxByteLength: 16 });
}

function detached(): Uint8Array {
  const bytes = new Uint8Array(8);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function streamOf(chunk: unknown) {
  return {
    async *[Symbol.asyncIterator]() {
      await Promise.resolve();
      for (;;) yield chunk;
    },
  };
}

function failingStream() {
  return {
    async *[Symbol.asyncIterator]() {
      yield await Promise.resolve(Buffer.alloc(1));
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- Junk.
      throw undefined;
    },
  };
}
