import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { EntryRecord } from './entries';
import { InvalidIndex } from './invalid-index';

/** What an index states about all its entries. */
export interface IndexDescription {
  readonly model: string | undefined;
}

/** Few enough that encoding or decoding them blocks the event loop for a few milliseconds. */
const entriesPerTurn = 4096;
const bytesPerTurn = 1 << 20;

/** An entry begins with the lengths of its id and of its metadata in bytes, uint32 each. */
const prefixBytes = 8;

/**
 * Encodes the description, JSON after its length, and the entries: for each, the lengths of its id and of its metadata,
 * then both, in UTF-8.
 */
export async function encodeEntries(
  description: IndexDescription,
  records: Iterable<EntryRecord>,
  signal?: AbortSignal,
): Promise<{ readonly parts: Buffer[]; readonly bytes: number; readonly hash: Buffer }> {
  const hash = createHash('sha256');
  const parts: Buffer[] = [];
  let bytes = 0;
  let pending: Buffer[] = [];
  const flush = () => {
    const part = Buffer.concat(pending);
    hash.update(part);
    parts.push(part);
    bytes += part.length;
    pending = [];
  };
  const json = Buffer.from(JSON.stringify(description));
  pending.push(uint32(json.length), json);
  for (const { id, metadata } of records) {
    const [idBytes, metadataBytes] = [Buffer.from(id), Buffer.from(metadata)];
    pending.push(uint32(idBytes.length), uint32(metadataBytes.length), idBytes, metadataBytes);
    if (pending.length < 4 * entriesPerTurn) continue;
    flush();
    await setImmediate();
    signal?.throwIfAborted();
  }
  flush();
  return { parts, bytes, hash: hash.digest() };
}

/**
 * Decodes what `encodeEntries` has encoded.
 *
 * @throws InvalidIndex if it is not that, or does not contain `count` entries with different ids
 */
export async function decodeEntries(
  bytes: Buffer,
  { count, hash }: { readonly count: number; readonly hash: Uint8Array },
  signal?: AbortSignal,
): Promise<{ readonly description: IndexDescription; readonly records: EntryRecord[] }> {
  await checkHash(bytes, hash, signal);
  const reader = new Reader(bytes);
  const description = parseDescription(reader.text(reader.uint32()));
  const records: EntryRecord[] = [];
  if (count > (bytes.length - reader.at) / prefixBytes) throw damagedEntries();
  const ids = new Set<string>();
  for (let i = 0; i < count; i++) {
    const [idBytes, metadataBytes] = [reader.uint32(), reader.uint32()];
    const id = reader.text(idBytes);
    if (id === '') throw damagedEntries();
    ids.add(id);
    records.push({ id, metadata: reader.text(metadataBytes) });
    if (i % entriesPerTurn !== entriesPerTurn - 1) continue;
    await setImmediate();
    signal?.throwIfAborted();
  }
  if (reader.at !== bytes.length || ids.size !== count) throw damagedEntries();
  return { description, records };
}

async function checkHash(bytes: Buffer, expected: Uint8Array, signal?: AbortSignal): Promise<void> {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += bytesPerTurn) {
    hash.update(bytes.subarray(at, at + bytesPerTurn));
    await setImmediate();
    signal?.throwIfAborted();
  }
  if (!hash.digest().equals(expected)) throw damagedEntries();
}

function parseDescription(json: string): IndexDescription {
  let description: unknown;
  try {
    description = JSON.parse(json);
  } catch {
    throw damagedEntries();
  }
  const { model } = (description ?? {}) as { readonly model?: unknown };
  if (model !== undefined && typeof model !== 'string') throw damagedEntries();
  return { model };
}

/** Reads a section from its start. */
class Reader {
  at = 0;

  constructor(private readonly bytes: Buffer) {}

  uint32(): number {
    return this.#take(4).readUInt32LE(0);
  }

  text(length: number): string {
    return this.#take(length).toString('utf8');
  }

  #take(length: number): Buffer {
    if (length > this.bytes.length - this.at) throw damagedEntries();
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function damagedEntries(): InvalidIndex {
  return new InvalidIndex('its entries are damaged');
}
