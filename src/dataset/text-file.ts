import { open } from 'node:fs/promises';
import { malformed, unreadable } from './errors';

/** Far above the 50,000 lines of ImageNet's validation set; a larger file is not a list. */
const maxBytes = 256 * 2 ** 20;

/** Reads a text file of a dataset. @throws DatasetError if it cannot be read, or is no text */
export async function readText(path: string): Promise<string> {
  let text: string;
  try {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      if (size > maxBytes) throw tooLarge(path);
      text = await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw cause instanceof Error && 'remedy' in cause ? cause : unreadable(path, cause);
  }
  if (text.includes('\0')) throw malformed(path, 'is not a text file', 'Pass a text file.');
  return text.replace(/^\uFEFF/, '');
}

/** The lines of a text file, with their numbers, without those that are empty. */
export async function readLines(path: string): Promise<{ line: string; number: number }[]> {
  const lines = (await readText(path)).split(/\r?\n/);
  return lines
    .map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => line !== '');
}

/**
 * The lines of a text file whose meaning depends on their numbers.
 *
 * @throws DatasetError if a line between others is empty
 */
export async function readNumberedLines(path: string): Promise<string[]> {
  const lines = await readLines(path);
  const gap = lines.findIndex(({ number }, index) => number !== index + 1);
  if (gap < 0) return lines.map(({ line }) => line);
  throw malformed(path, `has nothing on line ${gap + 1}`, 'Each line counts: remove empty ones.');
}

function tooLarge(path: string): Error {
  return malformed(path, `is larger than ${maxBytes / 2 ** 20} MiB`, 'Pass a text file.');
}
