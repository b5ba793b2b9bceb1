import { open, type FileHandle } from 'node:fs/promises';
import type * as hyparquet from 'hyparquet' with { 'resolution-mode': 'import' };
import { SemisupError } from '../errors';
import { errorReason } from '../net/error-reason';
import { unusableScores } from './errors';
import { maxNameBytes } from './name-arena';
import {
  classColumn,
  imageColumn,
  metadataKey,
  ranksTo,
  scoreColumn,
  type ScoreRows,
} from './score-rows';
import { parseShardInfo, type ShardInfo } from './shard-info';

/** More than a row group takes. */
const maxReadBytes = 2 ** 28;

/** A file of scores that is open for reading. */
export class ScoreFile {
  readonly path: string;
  readonly info: ShardInfo;
  readonly #file: FileHandle;
  readonly #metadata: hyparquet.FileMetaData;

  private constructor(
    path: string,
    file: FileHandle,
    metadata: hyparquet.FileMetaData,
    info: ShardInfo,
  ) {
    this.path = path;
    this.#file = file;
    this.#metadata = metadata;
    this.info = info;
  }

  /** @throws TrainingError if the file is missing or damaged */
  static async open(path: string): Promise<ScoreFile> {
    const { parquetMetadataAsync } = require('hyparquet') as typeof hyparquet;
    let file: FileHandle | undefined;
    try {
      file = await open(path);
      const { size } = await file.stat();
      const slice = readerOf(file, size);
      const metadata = await parquetMetadataAsync({ byteLength: size, slice });
      const text = metadata.key_value_metadata?.find(({ key }) => key === metadataKey)?.value;
      return new ScoreFile(path, file, metadata, parseShardInfo(text ?? 'null'));
    } catch (cause) {
      await file?.close();
      throw toError(path, cause);
    }
  }

  /** The number of images that have scores. */
  get rows(): number {
    return Number(this.#metadata.num_rows);
  }

  /**
   * Reads the row groups one after another; the next one is read from the disk meanwhile.
   *
   * @param classesPerImage how many of the classes kept are read
   * @throws TrainingError if the file is damaged
   */
  async *groups(classesPerImage: number): AsyncGenerator<ScoreRows<Uint8Array>> {
    const groups = this.#metadata.row_groups;
    const read = (index: number) => {
      const group = groups[index];
      const reading = group && this.#read(group);
      // A failure is reported when its turn comes.
      reading?.catch(() => undefined);
      return reading;
    };
    let next = read(0);
    try {
      for (const [i, group] of groups.entries()) {
        const source = await next!;
        next = read(i + 1);
        yield await this.#decode(group, source, classesPerImage);
      }
    } catch (cause) {
      throw toError(this.path, cause);
    } finally {
      await next?.catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** Reads a row group in one piece. */
  async #read({ columns }: hyparquet.RowGroup): Promise<hyparquet.AsyncBuffer> {
    const chunks = columns.map(({ meta_data }) => meta_data!);
    const start = Number(chunks[0]!.data_page_offset);
    const length = chunks.reduce((sum, one) => sum + Number(one.total_compressed_size), 0);
    const { size } = await this.#file.stat();
    const bytes = await readerOf(this.#file, size)(start, start + length);
    const slice = (from: number, to?: number) => bytes.slice(from - start, to! - start);
    return { byteLength: size, slice };
  }

  async #decode(
    group: hyparquet.RowGroup,
    file: hyparquet.AsyncBuffer,
    classesPerImage: number,
  ): Promise<ScoreRows<Uint8Array>> {
    const { parquetRead } = require('hyparquet') as typeof hyparquet;
    const ranks = ranksTo(classesPerImage);
    const columns = new Map<string, hyparquet.DecodedArray>();
    await parquetRead({
      ...{ file, metadata: { ...this.#metadata, row_groups: [group], num_rows: group.num_rows } },
      columns: [imageColumn, ...ranks.map(classColumn), ...ranks.map(scoreColumn)],
      // Most names are not kept, and need no string.
      parsers: { stringFromBytes: (bytes) => bytes },
      onChunk: ({ columnName, columnData }) => columns.set(columnName, columnData),
    });
    const rows: ScoreRows<Uint8Array> = {
      images: columns.get(imageColumn) as Uint8Array[],
      classes: ranks.map((rank) => columns.get(classColumn(rank)) as Int32Array),
      scores: ranks.map((rank) => columns.get(scoreColumn(rank)) as Float32Array),
    };
    checkRows(rows, Number(group.num_rows), this.info.scoring.conditions.classes);
    return rows;
  }
}

/** Reads ranges of a file. */
function readerOf(
  file: FileHandle,
  size: number,
): (start: number, end?: number) => Promise<ArrayBuffer> {
  return async (start, end = size) => {
    const length = end - start;
    const isRange = start >= 0 && end <= size && length > 0 && length <= maxReadBytes;
    if (!isRange) throw new Error('its footer is damaged');
    const bytes = new Uint8Array(length);
    const { bytesRead } = await file.read(bytes, 0, length, start);
    if (bytesRead < length) throw new Error('it was truncated');
    return bytes.buffer;
  };
}

/** @throws Error if the rows are not what `writeScoreFile` wrote */
function checkRows(
  { images, classes, scores }: ScoreRows<Uint8Array>,
  count: number,
  numClasses: number,
): void {
  const isComplete = [images, ...classes, ...scores].every((column) => column?.length === count);
  const isValid =
    isComplete &&
    images.every((name) => name.length <= maxNameBytes) &&
    classes.every((column) => column instanceof Int32Array && isWithin(column, numClasses - 1)) &&
    scores.every((column) => column instanceof Float32Array && isWithin(column, 1));
  if (!isValid) throw new Error('a column is damaged');
}

/** Whether all values are from 0 to `max`, which NaN is not. `every` takes ten times as long. */
function isWithin(values: Int32Array | Float32Array, max: number): boolean {
  for (const value of values) {
    if (!(value >= 0 && value <= max)) return false;
  }
  return true;
}

function toError(path: string, cause: unknown): unknown {
  if (cause instanceof SemisupError) return cause;
  const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
  return unusableScores(path, isMissing ? 'it does not exist' : errorReason(cause), cause);
}
