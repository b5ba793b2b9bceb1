import { assertLoads, assertRefused } from '../support/archive-assertions';
import { attribute } from '../support/torchscript-module';

const numberOfKeys = 1000;
/** Without the check they would take 250 MB, and each further key twice as much. */
const numberOfCollisions = 20;

const int64 = (number: bigint) => `\x8a\x08${littleEndian(number).toString('latin1')}`;
const string = (text: string) => `X${String.fromCharCode(text.length)}\0\0\0${text}`;
const float = (number: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(number);
  return floatOf(bytes);
};
/** Floats are big-endian in pickles. */
const floatOf = (bytes: Buffer) => `G${Buffer.from(bytes).reverse().toString('latin1')}`;

function littleEndian(number: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, number));
  return bytes;
}

/** A module with a dict that has these pickled keys. */
const dict = (keys: readonly string[]) =>
  attribute(`}(${keys.map((key) => `${key}K\x01`).join('')}u`);
/** The same, adding one key at a time. */
const slowDict = (keys: readonly string[]) =>
  attribute(`}${keys.map((key) => `${key}K\x01s`).join('')}`);

/** 2^64 divided by the golden ratio: LibTorch takes the first bits of its product with a hash for the key's place. */
const goldenRatio = 11400714819323198485n;
const multiply = (a: bigint, b: bigint) => BigInt.asUintN(64, a * b);

/** Modulo 2^64, of an odd number, by Newton's method. */
function inverse(number: bigint): bigint {
  let result = 1n;
  for (let i = 0; i < 6; i++) result = multiply(result, 2n - multiply(number, result));
  return result;
}

/** Eight bytes, as a string or a float, whose `std::hash` is a number: libstdc++'s MurmurHash64A, inverted. */
function bytesWithHash(hash: bigint): Buffer {
  const factor = 0xc6a4a7935bd1e995n;
  const mix = (value: bigint) => value ^ (value >> 47n);
  const divide = (value: bigint) => multiply(value, inverse(factor));
  const start = 0xc70f6907n ^ multiply(8n, factor);
  const block = divide(mix(divide(mix(hash)))) ^ start;
  return littleEndian(divide(mix(divide(block))));
}

describe('The keys of dicts in TorchScript archives', () => {
  const numbers = Array.from({ length: numberOfKeys }, (_, i) => i);

  for (const [kind, make] of Object.entries<(i: number) => string>({
    integers: (i) => int64(BigInt(i - 500)),
    strings: (i) => string(`features.${i}.weight`),
    floats: (i) => float(i / 8),
    'complex numbers': (i) => `cbuiltins\ncomplex\n${float(i)}${float(-i)}\x86R`,
    Booleans: (i) => (i % 2 === 0 ? '\x88' : '\x89'),
  })) {
    const count = kind === 'Booleans' ? 2 : numberOfKeys;
    it(`may be ${kind}`, () => assertLoads(dict(numbers.slice(0, count).map(make))));
  }

  describe('are refused if their hashes collide', () => {
    const refused = /keys of a dict are chosen so that hashing them takes too much memory/;
    const hashes = numbers
      .slice(1, 1 + numberOfCollisions)
      .map((i) => multiply(BigInt(i), inverse(goldenRatio)));

    it('integers', async () => {
      await assertRefused(dict(hashes.map(int64)), refused);
      await assertRefused(slowDict(hashes.map(int64)), refused);
    });

    for (const [kind, make] of Object.entries<(hash: bigint) => string>({
      strings: (hash) => string(bytesWithHash(hash).toString('latin1')),
      floats: (hash) => floatOf(bytesWithHash(hash)),
      // c10's hash_combine() of the imaginary part's hash, 0, and the real one's.
      'complex numbers': (hash) => {
        const real = bytesWithHash(BigInt.asUintN(64, hash - 0x9e3779b9n));
        return `cbuiltins\ncomplex\n${floatOf(real)}${float(0)}\x86R`;
      },
    })) {
      it(kind, async function () {
        if (process.platform !== 'linux') {
          this.test!.title += " (skipped: the hash is that of Linux's libstdc++)";
          this.skip();
        }
        await assertRefused(dict(hashes.map(make)), refused);
      });
    }
  });
});
