import { fromRandomAccessReaderPromise, RandomAccessReader, type Entry, type ZipFile } from 'yauzl';
import { malformedError, toPrintable, truncatedError } from './errors';
import type { ByteSource } from './checkpoint-file';
import type { StorageRange } from './pickled-state';

const MAX_RECORDS = 2 ** 16;
/** The attribute of MS-DOS that marks a directory. */
const DIRECTORY_ATTRIBUTE = 0x10;

/** Whether a file that begins with `head` is a zip archive. */
export function isZip(head: Buffer): boolean {
  return head.subarray(0, 4).equals(Buffer.from('PK\x03\x04', 'latin1'));
}

/** A zip archive with uncompressed records, which allow random access. */
export class ZipArchive {
  readonly #file: ByteSource;
  readonly #zip: ZipFile;
  readonly #entries: ReadonlyMap<string, Entry>;

  private constructor(file: ByteSource, zip: ZipFile, entries: ReadonlyMap<string, Entry>) {
    this.#file = file;
    this.#zip = zip;
    this.#entries = entries;
  }

  static async open(file: ByteSource): Promise<ZipArchive> {
    let zip: ZipFile;
    try {
      zip = await fromRandomAccessReaderPromise(new Reader(file), file.size, { autoClose: false });
    } catch (cause) {
      throw truncatedError(
        file.path,
        'the directory at the end of the zip archive is missing',
        cause,
      );
    }
    if (zip.entryCount > MAX_RECORDS) {
      throw malformedError(file.path, `its zip archive claims ${zip.entryCount} records`);
    }
    const entries = new Map<string, Entry>();
    try {
      for await (const entry of zip.eachEntry()) entries.set(entry.fileName, entry);
    } catch (cause) {
      throw malformedError(file.path, 'the directory of its zip archive is damaged', cause);
    }
    if (entries.size !== zip.entryCount) {
      throw malformedError(file.path, 'its zip archive has duplicate record names');
    }
    return new ZipArchive(file, zip, entries);
  }

  /** The full names of the records. */
  get names(): string[] {
    return [...this.#entries.keys()];
  }

  /** The byte range of a record; `undefined` if it does not exist. */
  async find(name: string): Promise<StorageRange | undefined> {
    const entry = this.#entries.get(name);
    if (!entry) return undefined;
    if (entry.isEncrypted() || entry.compressionMethod !== 0) {
      const how = entry.isEncrypted() ? 'encrypted' : 'compressed';
      throw malformedError(
        this.#file.path,
        `its record '${toPrintable(name)}' is ${how}, but torch.save stores records uncompressed`,
      );
    }
    // PyTorch reads these records as zeros.
    if (entry.externalFileAttributes & DIRECTORY_ATTRIBUTE) {
      throw malformedError(
        this.#file.path,
        `its record '${toPrintable(name)}' is marked as a directory`,
      );
    }
    try {
      const { fileDataStart } = await this.#zip.readLocalFileHeaderPromise(entry, {
        minimal: true,
      });
      return { start: fileDataStart, bytes: entry.uncompressedSize };
    } catch (cause) {
      throw malformedError(this.#file.path, `its record '${toPrintable(name)}' is damaged`, cause);
    }
  }
}

/** Adapts a byte source to yauzl. */
class Reader extends RandomAccessReader {
  readonly #file: ByteSource;

  constructor(file: ByteSource) {
    super();
    this.#file = file;
  }

  override read(
    into: Buffer,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | null, bytesRead?: number) => void,
  ): void {
    this.#file.fill(into.subarray(offset, offset + length), position).then(
      () => {
        done(null, length);
      },
      (error: unknown) => {
        done(error as Error);
      },
    );
  }
}
