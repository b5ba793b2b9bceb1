import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type * as hyparquet from 'hyparquet-writer' with { 'resolution-mode': 'import' };
import { appendTo } from '../embeddings/parquet';
import { writeFileAtomically } from '../torch';
import { writeError } from './errors';
import type { Selection } from './selection';
import { metadataKey } from './score-rows';

/** The rows of a row group: one is encoded without interruption. */
const rowsPerGroup = 4096;

/** The version of the format. */
const format = 1;

type Rows = readonly hyparquet.ColumnSource[];

const image: hyparquet.SchemaElement = {
  ...{ name: 'image', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
};

/**
 * Writes two files of Apache Parquet into a directory: `selection.parquet` has the columns `class` (int32), `rank`
 * (int32, from 1), `image` (string) and `score` (float32), ordered by class and rank; `images.parquet` has each image
 * once, with the list `classes` (int32). The metadata `semisup` are what they depend on, as JSON.
 *
 * @throws TrainingError if they cannot be written; `signal.reason` after an abort
 */
export async function writeSelection(
  selection: Selection,
  directory: string,
  signal?: AbortSignal,
): Promise<void> {
  const { imagesPerClass, classesPerImage, balanced, scoring } = selection;
  const rule = { imagesPerClass, classesPerImage, balanced };
  const kvMetadata = [{ key: metadataKey, value: JSON.stringify({ format, ...rule, scoring }) }];
  const write = async (name: string, schema: hyparquet.SchemaElement[], groups: Iterable<Rows>) => {
    const path = join(directory, name);
    try {
      await mkdir(directory, { recursive: true });
      await writeFileAtomically(path, (temporary) =>
        writeTable(temporary, { schema, kvMetadata }, groups, signal),
      );
    } catch (cause) {
      signal?.throwIfAborted();
      throw writeError(path, cause);
    }
  };
  await write('images.parquet', imagesSchema, groupsOfImages(selection));
  // Last: its existence means that the selection is complete.
  await write('selection.parquet', selectionSchema, groupsOfPairs(selection));
}

const selectionSchema: hyparquet.SchemaElement[] = [
  { name: 'root', num_children: 4 },
  { name: 'class', type: 'INT32', repetition_type: 'REQUIRED' },
  { name: 'rank', type: 'INT32', repetition_type: 'REQUIRED' },
  image,
  { name: 'score', type: 'FLOAT', repetition_type: 'REQUIRED' },
];

const imagesSchema: hyparquet.SchemaElement[] = [
  { name: 'root', num_children: 2 },
  image,
  { name: 'classes', converted_type: 'LIST', repetition_type: 'REQUIRED', num_children: 1 },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', type: 'INT32', repetition_type: 'REQUIRED' },
];

async function writeTable(
  path: string,
  { schema, kvMetadata }: Pick<hyparquet.ParquetWriteOptions, 'schema' | 'kvMetadata'>,
  groups: Iterable<Rows>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { ByteWriter, ParquetWriter } = require('hyparquet-writer') as typeof hyparquet;
  const file = await open(path, 'wx');
  try {
    const writer = new ParquetWriter({
      ...{ writer: appendTo(file, new ByteWriter()), schema: schema!, kvMetadata },
      ...{ codec: 'UNCOMPRESSED', statistics: false },
    });
    for (const columnData of groups) {
      signal?.throwIfAborted();
      await setImmediate();
      await writer.write({ columnData: [...columnData], rowGroupSize: rowsPerGroup, pageSize: 0 });
    }
    await writer.finish();
    await file.sync();
  } finally {
    await file.close();
  }
}

function* groupsOfPairs(selection: Selection): Generator<Rows> {
  let rows = newPairs();
  for (let classIndex = 0; classIndex < selection.numClasses; classIndex++) {
    let rank = 0;
    for (const { name, score } of selection.pairsOf(classIndex)) {
      const at = rows.images.push(name) - 1;
      rows.classes[at] = classIndex;
      rows.ranks[at] = ++rank;
      rows.scores[at] = score;
      if (at + 1 < rowsPerGroup) continue;
      yield columnsOfPairs(rows);
      rows = newPairs();
    }
  }
  if (rows.images.length > 0) yield columnsOfPairs(rows);
}

const newPairs = () => ({
  images: [] as Uint8Array[],
  classes: new Int32Array(rowsPerGroup),
  ranks: new Int32Array(rowsPerGroup),
  scores: new Float32Array(rowsPerGroup),
});

function columnsOfPairs({ images, classes, ranks, scores }: ReturnType<typeof newPairs>): Rows {
  const size = images.length;
  return [
    { name: 'class', data: classes.subarray(0, size) },
    { name: 'rank', data: ranks.subarray(0, size), encoding: 'PLAIN' },
    { name: 'image', data: images, encoding: 'PLAIN' },
    { name: 'score', data: scores.subarray(0, size), encoding: 'PLAIN' },
  ];
}

function* groupsOfImages(selection: Selection): Generator<Rows> {
  let [images, classes]: [string[], (readonly number[])[]] = [[], []];
  const columns = (): Rows => [
    { name: 'image', data: images, encoding: 'PLAIN' },
    { name: 'classes', data: classes, encoding: 'PLAIN' },
  ];
  for (const one of selection.images()) {
    images.push(one.image);
    classes.push(one.classes);
    if (images.length < rowsPerGroup) continue;
    yield columns();
    [images, classes] = [[], []];
  }
  if (images.length > 0) yield columns();
}
