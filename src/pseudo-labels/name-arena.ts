/** A block has 1 MiB. References count 32-bit words, so that they reach 16 GiB. */
const blockBits = 18;
const blockWords = 1 << blockBits;
/** The words before the bytes of a name: their number, and a slot. */
const headWords = 2;

/** The slot of a name that has none yet. */
export const noSlot = 0xffffffff;

/** The longest name that is stored, in bytes. */
export const maxNameBytes = 1 << 16;

interface Block {
  readonly words: Uint32Array;
  readonly bytes: Buffer;
}

/**
 * The names of images as UTF-8, outside of the JS heap. A name is identified by a reference, a number of 32 bits, and
 * has a slot for a number of the caller.
 */
export class NameArena {
  readonly #blocks: Block[] = [];
  #end = 0;

  /** The memory in use, in bytes. */
  get byteLength(): number {
    return 4 * this.#end;
  }

  /** Copies a name of at most `maxNameBytes` and returns its reference. */
  add(name: Uint8Array): number {
    const words = headWords + ((name.length + 3) >>> 2);
    const room = blockWords - (this.#end & (blockWords - 1));
    if (words > room) this.#end += room;
    const reference = this.#end;
    if (reference >>> blockBits === this.#blocks.length) this.#blocks.push(newBlock());
    this.#end += words;
    const block = this.#blockOf(reference);
    const at = reference & (blockWords - 1);
    block.words[at] = name.length;
    block.words[at + 1] = noSlot;
    block.bytes.set(name, 4 * (at + headWords));
    return reference;
  }

  bytesOf(reference: number): Buffer {
    const { words, bytes } = this.#blockOf(reference);
    const at = reference & (blockWords - 1);
    const start = 4 * (at + headWords);
    return bytes.subarray(start, start + words[at]!);
  }

  textOf(reference: number): string {
    return this.bytesOf(reference).toString('utf8');
  }

  slotOf(reference: number): number {
    return this.#blockOf(reference).words[(reference & (blockWords - 1)) + 1]!;
  }

  setSlot(reference: number, slot: number): void {
    this.#blockOf(reference).words[(reference & (blockWords - 1)) + 1] = slot;
  }

  /** Negative if the first name comes first in the order of its UTF-8 bytes, which is that of its code points. */
  compare(first: number, second: number): number {
    if (first === second) return 0;
    return Buffer.compare(this.bytesOf(first), this.bytesOf(second));
  }

  /**
   * Copies a name into another arena, once: further calls return the same reference. The slots of this arena are used
   * for that.
   */
  moveTo(target: NameArena, reference: number): number {
    const moved = this.slotOf(reference);
    if (moved !== noSlot) return moved;
    const copy = target.add(this.bytesOf(reference));
    this.setSlot(reference, copy);
    return copy;
  }

  #blockOf(reference: number): Block {
    return this.#blocks[reference >>> blockBits]!;
  }
}

function newBlock(): Block {
  const buffer = new ArrayBuffer(4 * blockWords);
  return { words: new Uint32Array(buffer), bytes: Buffer.from(buffer) };
}
