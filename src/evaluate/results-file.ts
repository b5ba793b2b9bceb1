import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { differenceBetween, type Conditions } from '../conditions';
import { EvaluationError } from '../errors';
import { errorReason } from '../net/error-reason';
import type { Answer } from './picture-result';

/** The version of the file's format. */
const format = 1;

/** The results of all models for one image. */
export type PictureResults = readonly Answer[];

/**
 * A text file to which the results of each image are appended as a line of JSON, so that an evaluation that was
 * interrupted goes on where it ended. Its first line states what the results depend on.
 */
export class ResultsFile {
  /** The results that the file had when it was opened, by the image's name. */
  readonly previous: ReadonlyMap<string, PictureResults>;
  readonly #path: string;
  readonly #file: FileHandle;

  private constructor(
    path: string,
    file: FileHandle,
    previous: ReadonlyMap<string, PictureResults>,
  ) {
    this.#path = path;
    this.#file = file;
    this.previous = previous;
  }

  /**
   * Opens or creates a file. A last line that was not written to its end is removed.
   *
   * @throws EvaluationError if the file has results of other models, options or images, or cannot be read or written
   */
  static async open(path: string, conditions: Conditions): Promise<ResultsFile> {
    const header = `${JSON.stringify({ format, ...conditions })}\n`;
    let file: FileHandle | undefined;
    try {
      await mkdir(dirname(path), { recursive: true });
      // Not append mode, in which Windows cannot truncate.
      file = await open(path, 'r+').catch(async () => await open(path, 'w+'));
      const text = await file.readFile('utf8');
      const complete = text.slice(0, text.lastIndexOf('\n') + 1);
      if (complete !== '' && !complete.startsWith(header))
        throw otherResults(path, complete, header);
      const lines = complete.split('\n').slice(1, -1);
      const previous = new Map(lines.map((line, i) => parseLine(path, line, i + 2)));
      const kept = complete === '' ? header : complete;
      await file.truncate(Buffer.byteLength(complete));
      if (complete === '') await file.write(header, 0);
      const results = new ResultsFile(path, file, previous);
      results.#position = Buffer.byteLength(kept);
      return results;
    } catch (cause) {
      await file?.close();
      throw cause instanceof EvaluationError ? cause : unusable(path, cause);
    }
  }

  #position = 0;

  /** Appends the results of images. @throws EvaluationError if they cannot be written */
  async append(pictures: readonly { name: string; results: PictureResults }[]): Promise<void> {
    const text = pictures.map((picture) => `${JSON.stringify(picture)}\n`).join('');
    const bytes = Buffer.from(text);
    const position = this.#position;
    this.#position += bytes.length;
    try {
      await this.#file.write(bytes, 0, bytes.length, position);
    } catch (cause) {
      throw unusable(this.#path, cause);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

function parseLine(path: string, line: string, number: number): [string, PictureResults] {
  try {
    const { name, results } = JSON.parse(line) as { name: unknown; results: unknown };
    if (typeof name === 'string' && Array.isArray(results)) return [name, results];
  } catch {
    // Reported below.
  }
  throw new EvaluationError('ERR_SEMISUP_EVALUATION_RESULTS', {
    what: `${path} is damaged on line ${number}.`,
    remedy: 'Delete it, or choose another file: the evaluation then starts again.',
    value: path,
  });
}

function otherResults(path: string, text: string, header: string): EvaluationError {
  const found = text.slice(0, text.indexOf('\n'));
  return new EvaluationError('ERR_SEMISUP_EVALUATION_RESULTS', {
    what: `${path} has the results of another evaluation: ${describeDifference(found, header)}.`,
    remedy: 'Choose another file, or delete it.',
    value: path,
  });
}

/** The first condition that differs. */
function describeDifference(found: string, expected: string): string {
  try {
    const [before, now] = [found, expected].map((text) => JSON.parse(text) as Conditions);
    return differenceBetween(before!, now!);
  } catch {
    return 'its first line is not that of an evaluation';
  }
}

/** The error for a file that cannot be read, written or locked. */
export function unusable(path: string, cause: unknown): EvaluationError {
  return new EvaluationError('ERR_SEMISUP_EVALUATION_RESULTS', {
    what: `The results file ${path} cannot be read or written: ${errorReason(cause)}.`,
    remedy: 'Choose a writable path, or free disk space.',
    value: path,
    cause,
  });
}
