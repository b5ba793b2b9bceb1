import { chunksOf, forEachConcurrently } from '../async-iteration';
import { isImageFailure, withoutPosition, type Classifier, type ImageFailure } from '../classify';
import { duplicate, type Dataset, type Sample } from '../dataset';
import { DatasetError } from '../errors';
import type { ImageInput } from '../image';
import { withLock } from '../net/lock';
import { Semaphore } from '../semaphore';
import { decodeSamples } from './decode-samples';
import type { EvaluateOptions } from './evaluate-options';
import { summarize, type Evaluation, type UnreadableImage } from './evaluation';
import { isCorrect, toAnswer, type PictureResult } from './picture-result';
import { ResultsFile, unusable, type PictureResults } from './results-file';
import type { Targets } from './targets';

/** Batches of the CPU are small; on a GPU, several fill its queue. */
const chunkSize = { cpu: 16, gpu: 128 };

/** One evaluation. */
export class EvaluationRun {
  readonly #models: readonly Classifier[];
  readonly #dataset: Dataset;
  readonly #targets: Targets;
  readonly #options: EvaluateOptions;
  readonly #startTime = performance.now();
  /** The names of all images, in the order of the dataset. Results arrive in another one. */
  readonly #names = new Set<string>();
  /** By the name of the image; undefined until they are computed. */
  readonly #results = new Map<string, PictureResults | undefined>();
  readonly #correct: number[];
  readonly #unreadable: UnreadableImage[] = [];
  readonly #unlabeled: string[] = [];
  readonly #excluded: string[] = [];
  /** That of the caller or, while the results are locked, one that also aborts if the lock is lost. */
  #signal: AbortSignal | undefined;
  /** The number of images with results, and of those of this run. */
  #known = 0;
  #computed = 0;

  constructor(
    models: readonly Classifier[],
    dataset: Dataset,
    targets: Targets,
    options: EvaluateOptions,
  ) {
    this.#models = models;
    this.#dataset = dataset;
    this.#targets = targets;
    this.#options = options;
    this.#correct = models.map(() => 0);
    this.#signal = options.signal;
  }

  async complete(): Promise<Evaluation[]> {
    const { results, signal } = this.#options;
    if (results === undefined) await this.#run();
    else {
      // Two processes would write at the same positions. The second one waits, and finds all results.
      await withLock(`${results}.lock`, (inner) => this.#runWith(results, inner), {
        signal,
        toError: (error) => unusable(results, error.cause ?? error),
      });
    }
    if (this.#done === 0) throw noImages(this.#dataset.name);
    const seconds = (performance.now() - this.#startTime) / 1000;
    const throughput = this.#computed === 0 ? NaN : this.#computed / seconds;
    const { views = 'center', temperature = 1 } = this.#options;
    return this.#models.map(({ metadata, classes }, i) => {
      const rows = [...this.#names].flatMap((name): PictureResult[] => {
        const result = this.#results.get(name)?.[i];
        return result ? [{ name, ...result }] : [];
      });
      return summarize(metadata, classes, rows, {
        ...{ unreadable: this.#unreadable, unlabeled: this.#unlabeled, excluded: this.#excluded },
        ...{ views, temperature, throughput },
      });
    });
  }

  get #done(): number {
    return this.#known + this.#unreadable.length + this.#unlabeled.length + this.#excluded.length;
  }

  /** What the results depend on. */
  #conditions(): Record<string, unknown> {
    const { orient = false, views = 'center', temperature = 1 } = this.#options;
    const { classMap, realLabels } = this.#options;
    return {
      dataset: this.#dataset.name,
      models: this.#models.map(({ metadata: { name, source, transform }, plan }) => ({
        ...{ name, checkpoint: source?.sha256, precision: plan.precision, transform },
      })),
      ...{ orient, views, temperature },
      ...{ classMap, realLabels, validLabels: this.#targets.valid },
    };
  }

  async #runWith(results: string, signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    const file = await ResultsFile.open(results, this.#conditions());
    try {
      await this.#run(file);
    } finally {
      await file.close();
    }
  }

  async #run(file?: ResultsFile): Promise<void> {
    const { orient } = this.#options;
    const signal = this.#signal;
    const samples = this.#newSamples(file);
    const [{ plan }] = this.#models as [Classifier];
    const size = plan.device.startsWith('cpu') ? chunkSize.cpu : chunkSize.gpu;
    if (this.#models.length === 1) {
      // The model decodes the images itself, with its own options. While one chunk runs, the next one is decoded.
      await forEachConcurrently(chunksOf(samples, size), 2, async (chunk) => {
        const rows = await this.#rowsOf(
          this.#models[0]!,
          chunk.map(({ image }) => image),
        );
        await this.#add(chunk, [rows], file);
      });
      return;
    }
    const decoded = chunksOf(decodeSamples(samples, { orient, signal }), size);
    // The models take turns: they would compete for the same cores.
    const turns = new Semaphore(1);
    await forEachConcurrently(decoded, 2, async (chunk) => {
      const readable = chunk.filter(({ image }) => !isImageFailure(image));
      const images = readable.map(({ image }) => image as ImageInput);
      const rows = await turns.run(async () => {
        const all: (Float32Array | ImageFailure)[][] = [];
        for (const model of this.#models) all.push(await this.#rowsOf(model, images));
        return all;
      });
      for (const { name, image } of chunk) if (isImageFailure(image)) this.#fail(name, image);
      await this.#add(readable, rows, file);
    });
  }

  async #rowsOf(
    model: Classifier,
    images: readonly ImageInput[],
  ): Promise<(Float32Array | ImageFailure)[]> {
    const { orient, views } = this.#options;
    return await model.logitRows(images, { orient, views, signal: this.#signal });
  }

  /** The samples that count and have no results yet. */
  async *#newSamples(file: ResultsFile | undefined): AsyncGenerator<Sample> {
    const signal = this.#signal;
    const skip = (name: string) => {
      this.#names.add(name);
      const previous = file?.previous.get(name);
      if (!previous) return false;
      if (!this.#results.has(name)) this.#take(name, previous);
      return true;
    };
    for await (const sample of this.#dataset.samples({ skip, signal })) {
      const { name, label } = sample;
      if (skip(name)) continue;
      if (this.#results.has(name)) throw duplicate(this.#dataset.name, name);
      if (label === undefined && this.#options.realLabels === undefined) {
        this.#unlabeled.push(name);
      } else if (this.#targets.labelsOf(name, label).length === 0) {
        this.#excluded.push(name);
      } else {
        this.#results.set(name, undefined);
        yield sample;
      }
    }
  }

  async #add(
    samples: readonly Omit<Sample, 'image'>[],
    rows: readonly (readonly (Float32Array | ImageFailure)[])[],
    file: ResultsFile | undefined,
  ): Promise<void> {
    const pictures: { name: string; results: PictureResults }[] = [];
    for (const [i, { name, label }] of samples.entries()) {
      const logits = rows.map((row) => row[i]!);
      const failure = logits.find(isImageFailure);
      if (failure) {
        this.#fail(name, failure);
        continue;
      }
      const labels = this.#targets.labelsOf(name, label);
      const results = logits.map((row) => {
        const { valid } = this.#targets;
        return toAnswer(labels, row as Float32Array, valid, this.#options.temperature);
      });
      pictures.push({ name, results });
      this.#computed++;
    }
    this.#signal?.throwIfAborted();
    await file?.append(pictures);
    for (const { name, results } of pictures) this.#take(name, results);
    this.#report();
  }

  #take(name: string, results: PictureResults): void {
    this.#results.set(name, results);
    this.#known++;
    for (const [i, result] of results.entries()) {
      if (isCorrect(result, 1)) this.#correct[i]!++;
    }
  }

  #fail(name: string, failure: ImageFailure): void {
    this.#unreadable.push({ name, ...withoutPosition(failure) });
  }

  #report(): void {
    const { onProgress } = this.#options;
    const seconds = (performance.now() - this.#startTime) / 1000;
    onProgress?.({
      done: this.#done,
      total: this.#dataset.size,
      rate: this.#computed / seconds,
      top1: this.#correct.map((correct) => correct / this.#known),
    });
  }
}

function noImages(name: string): DatasetError {
  return new DatasetError('ERR_SEMISUP_DATASET_EMPTY', {
    what: `The dataset ${name} contains no images.`,
    remedy: 'Check the path, and the format of the dataset.',
    value: name,
  });
}
