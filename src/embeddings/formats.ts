import { extname } from 'node:path';
import { invalidValue } from '../options';
import { writeJsonLines } from './jsonl';
import { requireLanceDB, writeLance } from './lance';
import { imagesExtension, writeNpy } from './npy';
import { writeParquet } from './parquet';
import type { EmbeddingTable } from './row';

/** A format of files of embeddings. */
export interface Format {
  /** Writes a new file or directory. */
  write(path: string, table: EmbeddingTable): Promise<void>;
  /** What the name of a second file ends in, after that of the first. */
  readonly companion?: string;
  /** @throws EmbeddingsError if a package that it requires is missing */
  check?(): void;
}

const formats: Readonly<Record<string, Format>> = {
  '.npy': { write: writeNpy, companion: imagesExtension },
  '.jsonl': { write: writeJsonLines },
  '.parquet': { write: writeParquet },
  '.lance': { write: writeLance, check: requireLanceDB },
};

/** The format that the extension of a file names. @throws OptionError if it names none */
export function formatOf(path: string): Format {
  const format = formats[extname(path).toLowerCase()];
  if (format) return format;
  const expected = `a file name that ends in ${Object.keys(formats).join(', ')}`;
  throw invalidValue('--out', expected, path, 'Choose one of these formats.');
}
