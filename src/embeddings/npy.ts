import { writeFile } from 'node:fs/promises';
import { bytesOf } from './record';
import type { EmbeddingTable } from './row';

/** The header's length is a multiple of it, so that the array is aligned in a file that is mapped. */
const alignment = 64;

/** What the name of the file with the images ends in, after that of the array. */
export const imagesExtension = '.json';

/**
 * Writes a float32 array [n, dimensions] in NumPy's format, version 1.0 (NEP 1), and beside it a JSON file with what the
 * embeddings depend on and the image of each row. It is JSON rather than text, because a path may contain line breaks.
 */
export async function writeNpy(path: string, table: EmbeddingTable): Promise<void> {
  const images: string[] = [];
  await writeFile(path, arrayOf(table, images), { flush: true });
  const { conditions, dimensions } = table;
  await writeFile(path + imagesExtension, descriptionOf({ ...conditions, dimensions }, images), {
    flush: true,
  });
}

async function* arrayOf(table: EmbeddingTable, images: string[]): AsyncGenerator<Uint8Array> {
  const { size, dimensions } = table;
  const magic = Buffer.from('\u0093NUMPY\u0001\u0000??', 'latin1');
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${size}, ${dimensions}), }`;
  const length = alignment * Math.ceil((magic.length + text.length + 1) / alignment);
  magic.writeUInt16LE(length - magic.length, magic.length - 2);
  yield Buffer.concat([magic, Buffer.from(`${text.padEnd(length - magic.length - 1)}\n`)]);
  for await (const { image, embedding } of table.rows()) {
    images.push(image);
    yield bytesOf(embedding);
  }
}

/** JSON with a line for each image. */
function* descriptionOf(conditions: object, images: readonly string[]): Generator<string> {
  yield `${JSON.stringify(conditions).slice(0, -1)},"images":[`;
  for (const [i, image] of images.entries()) yield `${i > 0 ? ',' : ''}\n${JSON.stringify(image)}`;
  yield '\n]}\n';
}
