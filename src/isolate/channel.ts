import type { Duplex } from 'node:stream';

/** A message: JSON, and bytes that its header refers to by their offset. */
export interface Message {
  readonly header: unknown;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Lengths of a frame: the header's, a 32-bit integer; the body's, a float64, which is exact below 2^53. */
const prefixLength = 4 + 8;

/** The maximum length of a header, in bytes. */
const maxHeader = 64 * 2 ** 20;

/** Typed arrays over a body need an aligned offset. */
const alignment = 16;

/**
 * Sends and receives messages over a stream. Not Node's own channel of `child_process.fork`, for two reasons: it
 * deserializes what a compromised process sends outside of any `try`, without a limit on its size; and it copies
 * bytes on the JS thread, which takes six times as long as the write.
 */
export class Channel {
  readonly #stream: Duplex;
  readonly #reader: FrameReader;

  /**
   * @param maxBody the maximum length of a received body, in bytes
   * @param onMessage must not throw
   * @param onError called once, if what is received is not a message
   */
  constructor(
    stream: Duplex,
    maxBody: number,
    onMessage: (message: Message) => void,
    onError: (error: unknown) => void,
  ) {
    this.#stream = stream;
    this.#reader = new FrameReader(maxBody, onMessage);
    stream.on('data', (chunk: Buffer) => {
      try {
        this.#reader.push(chunk);
      } catch (error) {
        stream.pause();
        onError(error);
      }
    });
  }

  /** Sends a message. The parts are read until they are written: do not write to them. */
  send(header: object, parts: readonly Uint8Array[] = []): void {
    const text = Buffer.from(JSON.stringify(header));
    const prefix = Buffer.alloc(prefixLength);
    prefix.writeUInt32LE(text.length, 0);
    prefix.writeDoubleLE(offsetsOf(parts).end, 4);
    this.#stream.cork();
    this.#stream.write(prefix);
    this.#stream.write(text);
    for (const part of parts) {
      this.#stream.write(part);
      const padding = paddedLength(part) - part.byteLength;
      if (padding > 0) this.#stream.write(Buffer.alloc(padding));
    }
    this.#stream.uncork();
  }
}

/** The offset of each part in the body of a message, and the length of the body. */
export function offsetsOf(parts: readonly Uint8Array[]): { offsets: number[]; end: number } {
  let end = 0;
  const offsets = parts.map((part) => {
    const offset = end;
    end += paddedLength(part);
    return offset;
  });
  return { offsets, end };
}

function paddedLength(part: Uint8Array): number {
  return Math.ceil(part.byteLength / alignment) * alignment;
}

/** Assembles messages from chunks of a stream. */
class FrameReader {
  readonly #maxBody: number;
  readonly #onMessage: (message: Message) => void;
  #stage: 'prefix' | 'header' | 'body' = 'prefix';
  #target = new Uint8Array(prefixLength);
  #filled = 0;
  #bodyLength = 0;
  #header: unknown;

  constructor(maxBody: number, onMessage: (message: Message) => void) {
    this.#maxBody = maxBody;
    this.#onMessage = onMessage;
  }

  /** @throws if the bytes are not those of a message */
  push(chunk: Uint8Array): void {
    let rest = chunk;
    while (rest.length > 0) {
      const count = Math.min(rest.length, this.#target.length - this.#filled);
      this.#target.set(rest.subarray(0, count), this.#filled);
      this.#filled += count;
      rest = rest.subarray(count);
      // An empty header or body is complete at once.
      while (this.#filled === this.#target.length) this.#finishStage();
    }
  }

  #finishStage(): void {
    const bytes = this.#target;
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    if (this.#stage === 'prefix') {
      const headerLength = view.readUInt32LE(0);
      this.#bodyLength = view.readDoubleLE(4);
      const isValid = Number.isSafeInteger(this.#bodyLength) && this.#bodyLength >= 0;
      if (!isValid || headerLength === 0 || headerLength > maxHeader)
        throw new Error('its length is invalid');
      if (this.#bodyLength > this.#maxBody)
        throw new Error(`it is larger than ${this.#maxBody} bytes`);
      this.#start('header', headerLength);
    } else if (this.#stage === 'header') {
      this.#header = JSON.parse(view.toString('utf8'));
      this.#start('body', this.#bodyLength);
    } else {
      const header = this.#header;
      this.#header = undefined;
      this.#start('prefix', prefixLength);
      this.#onMessage({ header, body: bytes });
    }
  }

  #start(stage: 'prefix' | 'header' | 'body', length: number): void {
    this.#stage = stage;
    this.#target = new Uint8Array(length);
    this.#filled = 0;
  }
}
