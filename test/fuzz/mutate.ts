import type { Random } from '../support/random';
import type { Seed, Target } from './target';

/** Lengths, offsets and counts at which arithmetic or allocations may fail. */
const extremes = [
  ...[0n, 1n, 2n, 7n, 8n, 127n, 128n, 255n, 256n, 32767n, 65535n, 65536n],
  ...[2n ** 24n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 63n],
  2n ** 64n - 1n,
];

type Mutator = (bytes: Buffer, random: Random, seeds: readonly Seed[]) => Buffer;

const mutators: readonly Mutator[] = [
  flipBits,
  flipBits,
  setBytes,
  setBytes,
  setLength,
  setLength,
  truncate,
  removeRange,
  repeatRange,
  insertBytes,
  splice,
];

/** Derives an input from the seeds of a target. The same number always derives the same input. */
export function deriveInput(target: Target, seeds: readonly Seed[], random: Random): Buffer {
  const seed = random.pick(seeds);
  const isEdited = target.edit !== undefined && random.next() < 0.8;
  let bytes = isEdited ? target.edit(seed, random) : Buffer.from(seed.bytes);
  // Few edited inputs are damaged further: most of those would be refused before the edit is read.
  const rounds = isEdited ? Number(random.next() < 0.2) : 1 + random.below(4);
  for (let i = 0; i < rounds; i++) bytes = mutate(bytes, random, seeds, target.tokens);
  return bytes;
}

/** Applies one mutation that does not depend on the format, other than by its tokens. */
export function mutate(
  bytes: Buffer,
  random: Random,
  seeds: readonly Seed[],
  tokens: readonly Buffer[] = [],
): Buffer {
  if (bytes.length === 0) return random.bytes(1 + random.below(16));
  if (tokens.length > 0 && random.next() < 0.25) {
    return insertAt(bytes, random.below(bytes.length), random.pick(tokens), random.next() < 0.5);
  }
  return random.pick(mutators)(bytes, random, seeds);
}

function flipBits(bytes: Buffer, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  for (let i = random.below(4); i >= 0; i--) {
    const at = random.below(copy.length);
    copy[at] = copy[at]! ^ (1 << random.below(8));
  }
  return copy;
}

function setBytes(bytes: Buffer, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  const start = random.below(copy.length);
  const end = Math.min(copy.length, start + 1 + random.below(4));
  for (let at = start; at < end; at++) copy[at] = random.below(256);
  return copy;
}

/** Writes an extreme number, or one near the file's size, in one of the usual encodings. */
function setLength(bytes: Buffer, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  const size = random.pick([2, 4, 8].filter((bytes) => bytes <= copy.length));
  if (size === undefined) return setBytes(bytes, random);
  const near = BigInt(Math.max(0, copy.length - 8 + random.below(16)));
  const value = BigInt.asUintN(8 * size, random.next() < 0.3 ? near : random.pick(extremes));
  const encoded = Buffer.alloc(8);
  const isLittle = random.next() < 0.5;
  if (isLittle) encoded.writeBigUInt64LE(value);
  else encoded.writeBigUInt64BE(value);
  const at = random.below(copy.length - size + 1);
  (isLittle ? encoded.subarray(0, size) : encoded.subarray(8 - size)).copy(copy, at);
  return copy;
}

function truncate(bytes: Buffer, random: Random): Buffer {
  return Buffer.from(bytes.subarray(0, random.below(bytes.length)));
}

function removeRange(bytes: Buffer, random: Random): Buffer {
  const [start, end] = rangeOf(bytes, random);
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
}

function repeatRange(bytes: Buffer, random: Random): Buffer {
  const [start, end] = rangeOf(bytes, random);
  // Rarely many, for deep nesting.
  const count = 1 + random.below(random.next() < 0.05 ? 300 : 8);
  const copies = Array<Buffer>(count).fill(bytes.subarray(start, end));
  return Buffer.concat([bytes.subarray(0, end), ...copies, bytes.subarray(end)]);
}

function insertBytes(bytes: Buffer, random: Random): Buffer {
  return insertAt(bytes, random.below(bytes.length), random.bytes(1 + random.below(16)), false);
}

function splice(bytes: Buffer, random: Random, seeds: readonly Seed[]): Buffer {
  const other = random.pick(seeds).bytes;
  const [start, end] = rangeOf(other, random);
  return insertAt(
    bytes,
    random.below(bytes.length),
    other.subarray(start, end),
    random.next() < 0.5,
  );
}

function insertAt(bytes: Buffer, at: number, inserted: Buffer, overwrites: boolean): Buffer {
  const rest = overwrites ? at + inserted.length : at;
  return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(rest)]);
}

/** Usually a short range. */
function rangeOf(bytes: Buffer, random: Random): [number, number] {
  const start = random.below(bytes.length);
  const longest = random.next() < 0.8 ? 64 : bytes.length;
  return [start, Math.min(bytes.length, start + 1 + random.below(longest))];
}
