import { fromRandomAccessReaderPromise, RandomAccessReader, type Entry, type ZipFile } from 'yauzl';
import { malformed, shown, truncated } from './failure';
import type { Bytes } from './file';
import type { Place } from './pickled-state';

const MAX_RECORDS = 2 ** 16;

/** Whether a file that begins with `head` is a zip archive. */
export function isZip(head: Buffer): boolean {
  return head.subarray(0, 4).equals(Buffer.from('PK\x03\x04', 'latin1'));
}

/** A zip archive whose records are stored as they are, so that they can be read at any position. */
export class ZipArchive {
  readonly #file: Bytes;
  readonly #zip: ZipFile;
  readonly #entries: ReadonlyMap<string, Entry>;

  private constructor(file: Bytes, zip: ZipFile, entries: ReadonlyMap<string, Entry>) {
    this.#file = file;
    this.#zip = zip;
    this.#entries = entries;
  }

  static async open(file: Bytes): Promise<ZipArchive> {
    let zip: ZipFile;
    try {
      zip = await fromRandomAccessReaderPromise(new Reader(file), file.size, { autoClose: false });
    } catch (cause) {
      throw truncated(file.path, 'the directory at the end of the zip archive is missing', cause);
    }
    if (zip.entryCount > MAX_RECORDS) {
      throw malformed(file.path, `its zip archive claims ${zip.entryCount} records`);
    }
    const entries = new Map<string, Entry>();
    try {
      for await (const entry of zip.eachEntry()) entries.set(entry.fileName, entry);
    } catch (cause) {
      throw malformed(file.path, 'the directory of its zip archive is damaged', cause);
    }
    if (entries.size !== zip.entryCount) {
      throw malformed(file.path, 'its zip archive has two records of one name');
    }
    return new ZipArchive(file, zip, entries);
  }

  /** The full names of the records. */
  get names(): string[] {
    return [...this.#entries.keys()];
  }

  /** Where the bytes of a record lie; `undefined` if there is no such record. */
  async find(name: string): Promise<Place | undefined> {
    const entry = this.#entries.get(name);
    if (!entry) return undefined;
    if (entry.isEncrypted() || entry.compressionMethod !== 0) {
      const how = entry.isEncrypted() ? 'encrypted' : 'compressed';
      throw malformed(
        this.#file.path,
        `its record '${shown(name)}' is ${how}, and torch.save stores`,
      );
    }
    try {
      const { fileDataStart } = await this.#zip.readLocalFileHeaderPromise(entry, {
        minimal: true,
      });
      return { start: fileDataStart, bytes: entry.uncompressedSize };
    } catch (cause) {
      throw malformed(this.#file.path, `its record '${shown(name)}' is damaged`, cause);
    }
  }
}

/** Gives yauzl the file by position. */
class Reader extends RandomAccessReader {
  readonly #file: Bytes;

  constructor(file: Bytes) {
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
