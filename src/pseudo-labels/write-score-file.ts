import { open } from 'node:fs/promises';
import type * as hyparquet from 'hyparquet-writer' with { 'resolution-mode': 'import' };
import { appendTo } from '../embeddings/parquet';
import {
  classColumn,
  imageColumn,
  metadataKey,
  ranksTo,
  scoreColumn,
  type ScoreRows,
} from './score-rows';
import { formatShardInfo, type ShardInfo } from './shard-info';

/** The rows of a row group: one is encoded, or decoded, without interruption. */
const rowsPerGroup = 4096;

/**
 * Writes scores as Apache Parquet: a row for each image with the columns `image`, `class_1` to `class_P` (int32) and
 * `score_1` to `score_P` (float32). Compared with a row for each pair or with lists, this is the smallest and the
 * fastest to read with pandas, because each name is stored once and no level precedes the values; fewer classes can
 * be read than were kept.
 */
export async function writeScoreFile(
  path: string,
  parts: Iterable<ScoreRows>,
  info: ShardInfo,
): Promise<void> {
  const { ByteWriter, ParquetWriter } = require('hyparquet-writer') as typeof hyparquet;
  const ranks = ranksTo(info.scoring.conditions.classesPerImage);
  const column = (name: string, type: hyparquet.SchemaElement['type']) =>
    ({ name, type, repetition_type: 'REQUIRED' }) as const;
  const plain = (name: string, data: Int32Array | Float32Array) =>
    ({ name, data, encoding: 'PLAIN' }) as const;
  const file = await open(path, 'wx');
  try {
    const parquet = new ParquetWriter({
      writer: appendTo(file, new ByteWriter()),
      schema: [
        { name: 'root', num_children: 1 + 2 * ranks.length },
        { ...column(imageColumn, 'BYTE_ARRAY'), converted_type: 'UTF8' },
        ...ranks.map((rank) => column(classColumn(rank), 'INT32')),
        ...ranks.map((rank) => column(scoreColumn(rank), 'FLOAT')),
      ],
      codec: 'UNCOMPRESSED',
      statistics: false,
      kvMetadata: [{ key: metadataKey, value: formatShardInfo(info) }],
    });
    for (const rows of parts) {
      await parquet.write({
        columnData: [
          { name: imageColumn, data: [...rows.images], encoding: 'PLAIN' },
          ...ranks.map((rank, i) => plain(classColumn(rank), rows.classes[i]!)),
          ...ranks.map((rank, i) => plain(scoreColumn(rank), rows.scores[i]!)),
        ],
        rowGroupSize: rowsPerGroup,
        // One page for each column of a row group.
        pageSize: 0,
      });
    }
    await parquet.finish();
    await file.sync();
  } finally {
    await file.close();
  }
}
