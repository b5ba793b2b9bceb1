import { writeFile } from 'node:fs/promises';
import type { EmbeddingTable } from './row';

/** Writes a line of JSON per image: `{ "image": path, "embedding": [numbers] }`. */
export async function writeJsonLines(path: string, table: EmbeddingTable): Promise<void> {
  await writeFile(path, linesOf(table), { flush: true });
}

async function* linesOf(table: EmbeddingTable): AsyncGenerator<string> {
  for await (const { image, embedding } of table.rows()) {
    yield `${JSON.stringify({ image, embedding: [...embedding] })}\n`;
  }
}
