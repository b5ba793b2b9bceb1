import { chunksOf, forEachConcurrently } from '../async-iteration';
import { withoutPosition, type Classifier } from '../classify';
import type { RowsFile } from '../embeddings';
import { ImageError } from '../errors';
import { readFingerprint } from '../fingerprint';
import { abbreviate } from '../options';
import type { Views } from '../types';
import type { ImageArgument } from './image-arguments';
import type { ImageProgress } from './image-progress';
import { describeError, note } from './terminal';

/** An image whose embedding is computed. */
interface ImageFile {
  readonly image: string;
  /** Its size and time when it was listed; empty if it does not exist. */
  readonly stamp: string;
}

/** An image that could not be read. */
interface Failure {
  readonly image: string;
  readonly error: { readonly code: string; readonly message: string };
}

/** Images per call, of which two are pending: enough to decode some while others are computed. */
const chunkSize = { cpu: 32, gpu: 128 };

interface RunContext {
  readonly orient: boolean;
  readonly normalize: boolean;
  readonly views: Views;
  readonly onProgress: (progress: ImageProgress) => void;
}

/** The computation of those embeddings that a file of rows does not have. */
export class EmbeddingRun {
  readonly #model: Classifier;
  readonly #images: ReadonlyMap<string, ImageArgument>;
  readonly #context: RunContext;
  readonly #failures: Failure[] = [];
  readonly #startTime = performance.now();
  #known = 0;
  #computed = 0;
  #seconds = 0;
  #dimensions: number | undefined;

  constructor(model: Classifier, images: ReadonlyMap<string, ImageArgument>, context: RunContext) {
    this.#model = model;
    this.#images = images;
    this.#context = context;
  }

  /** @throws ImageError if no image can be read */
  async complete(rows: RowsFile, signal: AbortSignal): Promise<string[]> {
    const isOnCpu = this.#model.plan.device.startsWith('cpu');
    const chunks = chunksOf(this.#missing(rows, signal), isOnCpu ? chunkSize.cpu : chunkSize.gpu);
    await forEachConcurrently(chunks, 2, (chunk) => this.#embed(chunk, rows, signal));
    this.#seconds = this.#elapsed();
    const failed = new Set(this.#failures.map(({ image }) => image));
    const images = [...this.#images.keys()].filter((image) => !failed.has(image));
    if (images.length === 0) throw nothingRead([...this.#images.keys()]);
    this.#dimensions = rows.dimensions;
    return images;
  }

  /** What was done; `seconds` without the time to write the format. */
  summary() {
    const [computed, images] = [this.#computed, this.#known + this.#computed];
    return {
      ...{ images, dimensions: this.#dimensions, computed, seconds: this.#seconds },
      failed: this.#failures,
    };
  }

  /** The images without an embedding, or whose files have changed since it was computed. */
  async *#missing(rows: RowsFile, signal: AbortSignal): AsyncGenerator<ImageFile> {
    for (const [image, { read }] of this.#images) {
      signal.throwIfAborted();
      try {
        read();
      } catch (error) {
        if (!(error instanceof ImageError)) throw error;
        this.#fail(image, error);
        continue;
      }
      const stamp = (await readFingerprint(image))?.content ?? '';
      if (!rows.has(image, stamp)) yield { image, stamp };
      else this.#known++;
    }
  }

  async #embed(chunk: readonly ImageFile[], rows: RowsFile, signal: AbortSignal): Promise<void> {
    const { orient, normalize, views } = this.#context;
    const results = await this.#model.embed(
      chunk.map(({ image }) => image),
      { orient, normalize, views, signal, onError: 'return' },
    );
    const computed = chunk.flatMap((file, i) => {
      const embedding = results[i]!;
      if (embedding instanceof Float32Array) return [{ ...file, embedding }];
      if (!(embedding instanceof ImageError)) throw embedding;
      this.#fail(file.image, embedding);
      return [];
    });
    await rows.append(computed);
    this.#computed += computed.length;
    this.#report();
  }

  #fail(image: string, failure: ImageError): void {
    const error = withoutPosition(failure);
    note(describeError(error));
    this.#failures.push({ image, error });
  }

  #report(): void {
    this.#context.onProgress({
      done: this.#known + this.#computed + this.#failures.length,
      total: this.#images.size,
      rate: this.#computed / this.#elapsed(),
    });
  }

  /** In seconds. */
  #elapsed(): number {
    return (performance.now() - this.#startTime) / 1000;
  }
}

function nothingRead(images: readonly string[]): ImageError {
  return new ImageError('ERR_SEMISUP_IMAGE_DECODE', {
    what: `No embeddings were written, because none of the images could be read, such as '${abbreviate(images[0]!)}'.`,
    remedy: 'See their errors.',
    value: images[0],
  });
}
