import { malformedError, toPrintable } from './errors';
import type { Sliced } from './slices';

/** A part of JSON text: an item of an array, or a member of an object with its name. */
export interface JsonItem {
  readonly name: string | undefined;
  readonly start: number;
  readonly end: number;
}

/** More items of one array or object than a network has tensors. */
const MAX_ITEMS = 2 ** 15;
/** The maximum size of an item that is parsed as a whole; the description of a tensor has about 100 bytes. */
const MAX_PARSED_BYTES = 4096;
/** How many bytes are scanned between two points at which the scan can be interrupted. */
const STRIDE = 2 ** 15;

const [quote, backslash, colon, comma] = [0x22, 0x5c, 0x3a, 0x2c];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];

/**
 * Untrusted JSON text, of which only some parts are parsed. `JSON.parse` of 4 MB takes up to 0.4 s and 30 times
 * the memory, and a parser of streams that was measured is slower still; here the text is scanned in slices, and
 * each small item is parsed alone.
 */
export class JsonText {
  readonly #text: Buffer;
  readonly #path: string;
  /** What the text is, for messages: `its header`. */
  readonly #subject: string;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  constructor(text: Buffer, path: string, subject: string) {
    this.#text = text;
    this.#path = path;
    this.#subject = subject;
  }

  /** The value that is the whole text. */
  *root(): Sliced<JsonItem> {
    const start = this.#skipSpace(0);
    const end = yield* this.#skipValue(start);
    if (this.#skipSpace(end) < this.#text.length) throw this.#malformed();
    return { name: undefined, start, end };
  }

  isObject({ start }: JsonItem): boolean {
    return this.#text[start] === openBrace;
  }

  isArray({ start }: JsonItem): boolean {
    return this.#text[start] === openBracket;
  }

  /** The items of an array or object, none of another value. The values of the items are not checked. */
  *items(container: JsonItem): Sliced<JsonItem[]> {
    const isObject = this.isObject(container);
    if (!isObject && !this.isArray(container)) return [];
    const last = container.end - 1;
    if (this.#text[last] !== (isObject ? closeBrace : closeBracket)) throw this.#malformed();
    const items: JsonItem[] = [];
    let at = this.#skipSpace(container.start + 1);
    if (at === last) return items;
    for (;;) {
      let name: string | undefined;
      if (isObject) {
        const end = yield* this.#skipValue(at);
        name = this.#parseName(at, end);
        at = this.#expect(colon, end);
      }
      const end = yield* this.#skipValue(at);
      items.push({ name, start: at, end });
      if (items.length > MAX_ITEMS) {
        throw malformedError(
          this.#path,
          `${this.#subject} has a list of more than ${MAX_ITEMS} items`,
        );
      }
      at = this.#skipSpace(end);
      if (at === last) return items;
      at = this.#expect(comma, at);
      yield;
    }
  }

  /** Whether `parse` accepts the size of an item. */
  isSmall({ start, end }: JsonItem): boolean {
    return end - start <= MAX_PARSED_BYTES;
  }

  /** The value of a small item. */
  parse(item: JsonItem): unknown {
    if (!this.isSmall(item)) {
      const which = item.name === undefined ? '' : ` '${toPrintable(item.name)}'`;
      throw malformedError(
        this.#path,
        `an item${which} of ${this.#subject} has more than ${MAX_PARSED_BYTES} bytes`,
      );
    }
    return this.#parse(item.start, item.end);
  }

  #parseName(start: number, end: number): string {
    if (this.#text[start] !== quote) throw this.#malformed();
    return this.parse({ name: undefined, start, end }) as string;
  }

  #parse(start: number, end: number): unknown {
    try {
      return JSON.parse(this.#decoder.decode(this.#text.subarray(start, end)));
    } catch (cause) {
      throw this.#malformed(cause);
    }
  }

  /** The end of the value that starts at `start`, if it is valid. */
  *#skipValue(start: number): Sliced<number> {
    const text = this.#text;
    let depth = 0;
    let isString = false;
    for (let at = start; at < text.length; at++) {
      if (at % STRIDE === 0) yield;
      const byte = text[at];
      if (isString) {
        if (byte === backslash) at++;
        else if (byte === quote) {
          isString = false;
          if (depth === 0) return at + 1;
        }
      } else if (byte === quote) {
        // Only at its start may a value that is not a container have a quote.
        if (depth === 0 && at > start) break;
        isString = true;
      } else if (byte === openBrace || byte === openBracket) {
        if (depth === 0 && at > start) break;
        depth++;
      } else if (byte === closeBrace || byte === closeBracket) {
        if (depth === 0) return this.#endOfScalar(start, at);
        depth--;
        if (depth === 0) return at + 1;
      } else if (depth === 0 && (byte === comma || byte === colon || isSpace(byte))) {
        return this.#endOfScalar(start, at);
      }
    }
    throw this.#malformed();
  }

  #endOfScalar(start: number, end: number): number {
    if (end === start) throw this.#malformed();
    return end;
  }

  #expect(byte: number, at: number): number {
    const found = this.#skipSpace(at);
    if (this.#text[found] !== byte) throw this.#malformed();
    return this.#skipSpace(found + 1);
  }

  #skipSpace(start: number): number {
    let at = start;
    while (isSpace(this.#text[at])) at++;
    return at;
  }

  #malformed(cause?: unknown): Error {
    return malformedError(this.#path, `${this.#subject} is not JSON`, cause);
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
