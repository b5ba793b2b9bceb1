import { SemisupError } from '../errors';
import { describeThrown, guardGetters, invalidArgument, invalidValue } from '../options';
import type { EntryMetadata, IndexEntry } from './types';

/** An entry without its vector. */
export interface EntryRecord {
  readonly id: string;
  /** JSON; empty if the entry has none. */
  readonly metadata: string;
}

/** @throws OptionError unless `id` is a non-empty, well-formed string */
function checkId(id: unknown): asserts id is string {
  if (typeof id !== 'string' || id === '' || /\p{Cs}/u.test(id)) {
    throw invalidArgument('an id', 'a non-empty string without lone surrogates', id);
  }
}

/** A copy of an array of ids. @throws OptionError if it is not one */
export function checkIds(ids: unknown): string[] {
  return guardGetters('the ids', ids, () => {
    if (!Array.isArray(ids)) throw invalidArgument('the ids', 'an array of strings', ids);
    const copy = [...(ids as unknown[])];
    return copy.map((id) => {
      checkId(id);
      return id;
    });
  });
}

/**
 * The entries of one call of `add`. Of several with one id, the last.
 *
 * @throws OptionError if one is not an entry
 */
export function checkEntries(entries: unknown): (EntryRecord & Pick<IndexEntry, 'embedding'>)[] {
  const copy = guardGetters('the entries', entries, () => {
    if (!Array.isArray(entries)) throw invalidArgument('the entries', 'an array', entries);
    return [...(entries as IndexEntry[])];
  });
  const checked = new Map<string, EntryRecord & Pick<IndexEntry, 'embedding'>>();
  for (const entry of copy) {
    guardGetters('an entry', entry, () => {
      if (typeof entry !== 'object' || entry === null) {
        throw invalidArgument('an entry', '{ id, embedding }', entry);
      }
      const { id, embedding, metadata } = entry;
      checkId(id);
      checked.delete(id);
      checked.set(id, { id, embedding, metadata: toJson(id, metadata) });
    });
  }
  return [...checked.values()];
}

function toJson(id: string, metadata: unknown): string {
  if (metadata === undefined) return '';
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw invalidValue(`the metadata of '${id}'`, 'an object', metadata);
  }
  try {
    return JSON.stringify(metadata);
  } catch (cause) {
    if (cause instanceof SemisupError) throw cause;
    const expected = `an object that JSON can represent (${describeThrown(cause)})`;
    throw invalidValue(`the metadata of '${id}'`, expected, metadata);
  }
}

/** The entries of an index, by id and by the row of their vector. */
export class EntryTable {
  /** In the order of the rows, because an entry that is replaced moves to the end. */
  #rows = new Map<string, number>();
  /** By row, with those that were removed. */
  #records: EntryRecord[] = [];
  #committed = 0;

  get size(): number {
    return this.#rows.size;
  }

  /** The number of rows, with those that were removed. */
  get rows(): number {
    return this.#committed;
  }

  /** Whether most rows were removed. */
  get isSparse(): boolean {
    return this.rows - this.size > Math.max(this.size, 1024);
  }

  ids(): string[] {
    return [...this.#rows.keys()];
  }

  /** In the order of the rows. */
  *records(): Generator<EntryRecord> {
    for (const row of this.#rows.values()) yield this.#records[row]!;
  }

  rowOf(id: string): number | undefined {
    return this.#rows.get(id);
  }

  recordAt(row: number): EntryRecord {
    return this.#records[row]!;
  }

  isLive(row: number): boolean {
    return this.#rows.get(this.#records[row]!.id) === row;
  }

  /** The rows of those ids that exist. */
  rowsOf(ids: Iterable<string>): Int32Array {
    return Int32Array.from(
      [...new Set(ids)].map((id) => this.#rows.get(id)).filter((row) => row !== undefined),
    );
  }

  /** Adds the records of the next rows, which `commit` makes visible. A search may find them before. */
  stage(records: readonly EntryRecord[]): void {
    for (const record of records) this.#records.push(record);
  }

  /** Makes the records that were staged visible. */
  commit(): void {
    for (; this.#committed < this.#records.length; this.#committed++) {
      const { id } = this.#records[this.#committed]!;
      this.#rows.delete(id);
      this.#rows.set(id, this.#committed);
    }
  }

  /** Discards the records that were staged. */
  unstage(): void {
    this.#records.length = this.#committed;
  }

  /** @returns the number of ids that existed */
  remove(ids: Iterable<string>): number {
    const before = this.size;
    for (const id of ids) this.#rows.delete(id);
    return before - this.size;
  }

  /** Numbers the rows anew, without those that were removed. */
  compact(): void {
    this.#records = [...this.records()];
    this.#committed = this.#records.length;
    this.#rows = new Map(this.#records.map(({ id }, row) => [id, row]));
  }
}

/** Parses the metadata of a record. @throws SyntaxError if they are not JSON */
export function parseMetadata({ metadata }: EntryRecord): EntryMetadata | undefined {
  return metadata === '' ? undefined : (JSON.parse(metadata) as EntryMetadata);
}
