import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Conditions } from '../conditions';
import { EmbeddingsError } from '../errors';
import { errorReason } from '../net/error-reason';
import type { EmbeddingTable, Row } from './row';

/** What is used of LanceDB, which is no dependency, because it takes more space than this package. */
interface LanceDB {
  readonly connect: (directory: string) => Promise<LanceConnection>;
  readonly makeArrowTable: (
    rows: readonly Row[],
    options: { readonly vectorColumns: Readonly<Record<string, object>> },
    metadata: ReadonlyMap<string, string>,
  ) => object;
  readonly VectorColumnOptions: new () => object;
}

interface LanceConnection {
  createTable(name: string, data: object): Promise<LanceTable>;
  close(): void;
}

interface LanceTable {
  add(data: object): Promise<unknown>;
  close(): void;
}

const packageName = '@lancedb/lancedb';

/** The elements that are added in one call: they are in memory, and become one file of the dataset. */
const elementsPerFragment = 1 << 22;

/** Its characters are those that names of tables may have, which those of the user's file may not be. */
const tableName = 'embeddings';

/** Writes a Lance dataset, a directory, with the columns `image` (string) and `embedding` (fixed-size list of float32). */
export async function writeLance(path: string, table: EmbeddingTable): Promise<void> {
  const { connect, makeArrowTable, VectorColumnOptions } = requireLanceDB();
  const metadata = metadataOf(table.conditions);
  const toArrow = (rows: readonly Row[]) =>
    makeArrowTable(rows, { vectorColumns: { embedding: new VectorColumnOptions() } }, metadata);
  const directory = `${path}.database`;
  await mkdir(directory);
  const connection = await connect(directory);
  let dataset: LanceTable | undefined;
  try {
    for await (const rows of fragmentsOf(table)) {
      if (dataset) await dataset.add(toArrow(rows));
      else dataset = await connection.createTable(tableName, toArrow(rows));
    }
  } finally {
    dataset?.close();
    connection.close();
  }
  await rename(join(directory, `${tableName}.lance`), path);
  await rm(directory, { recursive: true });
}

/** @throws EmbeddingsError if it is not installed, or cannot be loaded */
export function requireLanceDB(): LanceDB {
  try {
    return require('@lancedb/lancedb') as LanceDB;
  } catch (cause) {
    const isMissing =
      (cause as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND' &&
      errorReason(cause).includes(`'${packageName}'`);
    throw new EmbeddingsError('ERR_SEMISUP_EMBEDDINGS_PACKAGE', {
      what: `The package ${packageName}, which writes .lance, ${isMissing ? 'is not installed' : `could not be loaded: ${errorReason(cause)}`}.`,
      remedy: `Install it: npm install ${packageName}.`,
      value: packageName,
      cause,
    });
  }
}

function metadataOf(conditions: Conditions): ReadonlyMap<string, string> {
  return new Map([['semisup', JSON.stringify(conditions)]]);
}

async function* fragmentsOf(table: EmbeddingTable): AsyncGenerator<Row[]> {
  const size = Math.max(1, Math.floor(elementsPerFragment / table.dimensions));
  let rows: Row[] = [];
  for await (const row of table.rows()) {
    rows.push(row);
    if (rows.length < size) continue;
    yield rows;
    rows = [];
  }
  if (rows.length > 0) yield rows;
}
