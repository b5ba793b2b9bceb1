import { open, type FileHandle } from 'node:fs/promises';
import type * as hyparquet from 'hyparquet-writer' with { 'resolution-mode': 'import' };
import type { EmbeddingTable } from './row';

/** The elements of a row group: hyparquet-writer takes some 500 bytes of memory for each. */
const elementsPerGroup = 1 << 19;

const schema: hyparquet.SchemaElement[] = [
  { name: 'root', num_children: 2 },
  { name: 'image', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  { name: 'embedding', converted_type: 'LIST', repetition_type: 'REQUIRED', num_children: 1 },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', type: 'FLOAT', repetition_type: 'REQUIRED' },
];

/**
 * Writes the columns `image` (string) and `embedding` (list of float32) in Apache Parquet; the metadata `semisup` are what
 * the embeddings depend on, as JSON. Embeddings do not get smaller by compression.
 */
export async function writeParquet(path: string, table: EmbeddingTable): Promise<void> {
  const { ByteWriter, parquetWriteRows } = require('hyparquet-writer') as typeof hyparquet;
  const { dimensions, conditions } = table;
  const file = await open(path, 'wx');
  try {
    await parquetWriteRows({
      ...{
        writer: appendTo(file, new ByteWriter()),
        rows: rowsOf(table),
        schema,
        codec: 'UNCOMPRESSED',
      },
      columns: [{ name: 'image' }, { name: 'embedding', encoding: 'PLAIN', statistics: false }],
      rowGroupSize: Math.max(1, Math.floor(elementsPerGroup / dimensions)),
      kvMetadata: [{ key: 'semisup', value: JSON.stringify(conditions) }],
    });
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a writer append to a file after each row group. That of hyparquet-writer does so synchronously. */
export function appendTo(file: FileHandle, writer: hyparquet.ByteWriter): hyparquet.Writer {
  const flush = async () => {
    await file.appendFile(writer.getBytes());
    writer.index = 0;
  };
  return Object.assign(writer, { flush, finish: flush });
}

async function* rowsOf(table: EmbeddingTable): AsyncGenerator<Record<string, unknown>> {
  // It takes no typed array as a list.
  for await (const { image, embedding } of table.rows()) yield { image, embedding: [...embedding] };
}
