import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';

/** Includes the tar magic at byte 257, which is the last of the magic numbers. */
const headBytes = 512;
/** Includes the directory of a zip archive of about 10,000 records. */
const tailBytes = 2 ** 20;

/** The beginning and the end of a file, which suffice to identify its format. They may overlap. */
export interface FileExcerpt {
  readonly head: Buffer;
  readonly tail: Buffer;
  /** The size of the whole file, in bytes. */
  readonly size: number;
}

/** Reads an excerpt of a file, or of its bytes. */
export async function readExcerpt(content: string | Uint8Array): Promise<FileExcerpt> {
  if (typeof content !== 'string') return excerptOf(content);
  const file = await open(content);
  try {
    const { size } = await file.stat();
    const [head, tail] = await Promise.all(
      rangesOf(size).map(async ([start, length]) => {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start);
        return buffer.subarray(0, bytesRead);
      }),
    );
    return { head: head!, tail: tail!, size };
  } finally {
    await file.close();
  }
}

/** Like `readExcerpt`, but blocks. */
export function readExcerptSync(content: string | Uint8Array): FileExcerpt {
  if (typeof content !== 'string') return excerptOf(content);
  const file = openSync(content, 'r');
  try {
    const { size } = fstatSync(file);
    const [head, tail] = rangesOf(size).map(([start, length]) => {
      const buffer = Buffer.alloc(length);
      return buffer.subarray(0, readSync(file, buffer, 0, length, start));
    });
    return { head: head!, tail: tail!, size };
  } finally {
    closeSync(file);
  }
}

/** The start and the length of the head and of the tail. */
function rangesOf(size: number): readonly (readonly [start: number, length: number])[] {
  const tail = Math.min(size, tailBytes);
  return [
    [0, Math.min(size, headBytes)],
    [size - tail, tail],
  ];
}

function excerptOf(bytes: Uint8Array): FileExcerpt {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [head, tail] = rangesOf(bytes.length).map(([start, length]) =>
    buffer.subarray(start, start + length),
  );
  return { head: head!, tail: tail!, size: bytes.length };
}
