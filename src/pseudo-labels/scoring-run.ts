import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chunksOf, forEachConcurrently } from '../async-iteration';
import { isImageFailure, withoutPosition, type Classifier } from '../classify';
import { differenceBetween } from '../conditions';
import type { Sample } from '../dataset';
import { DatasetError } from '../errors';
import type { UnreadableImage } from '../evaluate';
import { decodeSamples, type DecodedSample } from '../evaluate/decode-samples';
import { Semaphore } from '../semaphore';
import { writeFileAtomically } from '../torch';
import type { Pixels } from '../types';
import { otherRun, writeError } from './errors';
import type { Pool } from './pool';
import { probeModel } from './probe';
import { ScoreFile } from './score-file';
import type { ScorePoolOptions, ScoreSettings } from './score-options';
import { scoringDifference, shardName, shardOf, type Scoring, type ShardInfo } from './shard-info';
import { ShardRows } from './shard-rows';
import { ShardSequence, type Place } from './shard-sequence';
import { writeScoreFile } from './write-score-file';

/**
 * The images of a call. They are decoded before, and calls follow one another, so that each is one batch: an image of
 * another batch would have scores that differ in their last digits.
 */
const chunkSize = { cpu: 8, gpu: 64 };

/** A pool that was scored. */
export interface ScoredPool {
  /** The absolute paths of the score files, in their order. */
  readonly files: readonly string[];
  /** The number of images that have scores. */
  readonly scored: number;
  /** The images that could not be read, also in earlier runs. */
  readonly unreadable: readonly UnreadableImage[];
}

interface PlacedSample extends Place, Sample {}

/** One call of `scorePool`. */
export class ScoringRun {
  readonly #model: Classifier;
  readonly #pool: Pool;
  readonly #directory: string;
  readonly #settings: ScoreSettings;
  readonly #options: ScorePoolOptions;
  readonly #startTime = performance.now();
  /** By number: those of earlier runs, and of this one. */
  readonly #shards = new Map<number, ShardInfo>();
  #done = 0;
  #computed = 0;
  #unreadable = 0;

  /** @param directory an absolute path */
  constructor(
    model: Classifier,
    pool: Pool,
    directory: string,
    settings: ScoreSettings,
    options: ScorePoolOptions,
  ) {
    this.#model = model;
    this.#pool = pool;
    this.#directory = directory;
    this.#settings = settings;
    this.#options = options;
  }

  async complete(): Promise<ScoredPool> {
    const { signal } = this.#options;
    const scoring = await this.#readShards(await this.#scoring());
    const { imagesPerShard } = this.#settings;
    const sequence = new ShardSequence(this.#directory, imagesPerShard, new Map(this.#shards));
    const samples = this.#newSamples(sequence);
    try {
      let next = await samples.next();
      while (!next.done) {
        const { shard } = next.value;
        const samplesOfShard = async function* () {
          for (; !next.done && next.value.shard === shard; next = await samples.next()) {
            yield next.value;
          }
        };
        await this.#scoreShard(shard, samplesOfShard(), sequence, scoring);
      }
    } finally {
      await samples.return(undefined);
    }
    signal?.throwIfAborted();
    return this.#result();
  }

  async #scoring(): Promise<Scoring> {
    const { metadata, classes, plan } = this.#model;
    const { name, source, transform } = metadata;
    const { temperature, orient, classesPerImage } = this.#settings;
    return {
      conditions: {
        ...{ model: name, checkpoint: source?.sha256, precision: plan.precision, transform },
        ...{ temperature, orient, classes: classes.length, classesPerImage },
      },
      probe: await probeModel(this.#model, this.#options.signal),
    };
  }

  get #poolConditions() {
    return { datasets: this.#pool.names, imagesPerShard: this.#settings.imagesPerShard };
  }

  /**
   * Reads what earlier runs have written.
   *
   * @returns what their scores depend on, if there are any: their probe may differ in its last digits
   * @throws TrainingError if a file is damaged, or of another run
   */
  async #readShards(scoring: Scoring): Promise<Scoring> {
    const pool = this.#poolConditions;
    const numbers = (await readdir(this.#directory)).flatMap((name) => shardOf(name) ?? []);
    for (const shard of numbers.toSorted((a, b) => a - b)) {
      const path = join(this.#directory, shardName(shard));
      const file = await ScoreFile.open(path);
      await file.close();
      const { info } = file;
      const isSamePool = JSON.stringify(info.pool) === JSON.stringify(pool);
      const difference = isSamePool
        ? scoringDifference(info.scoring, scoring)
        : differenceBetween(info.pool, pool);
      if (difference !== undefined) throw otherRun(path, difference);
      this.#shards.set(shard, info);
      this.#done += info.images;
      this.#unreadable += info.unreadable.length;
    }
    const [first] = this.#shards.values();
    return first?.scoring ?? scoring;
  }

  /** The images of shards that do not exist. Those of others are not read. */
  async *#newSamples(sequence: ShardSequence): AsyncGenerator<PlacedSample, void, undefined> {
    const { signal } = this.#options;
    const existing = new Set(this.#shards.keys());
    // A dataset may name images before it returns the first of them.
    const places = new Map<string, Place>();
    const skip = (name: string) => {
      const place = sequence.place(name);
      if (existing.has(place.shard)) return true;
      places.set(name, place);
      return false;
    };
    for await (const sample of this.#pool.samples({ skip, signal })) {
      // A dataset need not call it.
      if (!places.has(sample.name) && skip(sample.name)) continue;
      const place = places.get(sample.name)!;
      places.delete(sample.name);
      yield { ...sample, ...place };
    }
    sequence.end();
  }

  async #scoreShard(
    shard: number,
    samples: AsyncIterable<PlacedSample>,
    sequence: ShardSequence,
    scoring: Scoring,
  ): Promise<void> {
    const { imagesPerShard, classesPerImage } = this.#settings;
    const rows = new ShardRows(imagesPerShard, classesPerImage);
    const failures = new Map<number, UnreadableImage>();
    const { plan } = this.#model;
    const size = plan.device.startsWith('cpu') ? chunkSize.cpu : chunkSize.gpu;
    const { orient } = this.#settings;
    const decoded = decodeSamples(samples, { orient, signal: this.#options.signal });
    let next = 0;
    // While one chunk runs, the next one is decoded.
    const turns = new Semaphore(1);
    await forEachConcurrently(chunksOf(decoded, size), 2, async (chunk) => {
      const first = next;
      next += chunk.length;
      await turns.run(() => this.#scoreChunk(chunk, first, rows, failures));
    });
    const info: ShardInfo = {
      ...{ scoring, pool: this.#poolConditions, shard },
      ...sequence.namesOf(shard),
      unreadable: [...failures].toSorted(([a], [b]) => a - b).map(([, failure]) => failure),
    };
    const path = join(this.#directory, shardName(shard));
    try {
      await writeFileAtomically(path, (temporary) => writeScoreFile(temporary, [rows.get()], info));
    } catch (cause) {
      throw writeError(path, cause);
    }
    this.#shards.set(shard, info);
  }

  /** @param first the position of the first image within the shard */
  async #scoreChunk(
    chunk: readonly DecodedSample[],
    first: number,
    rows: ShardRows,
    failures: Map<number, UnreadableImage>,
  ): Promise<void> {
    const { classesPerImage: topk, temperature } = this.#settings;
    const { signal, onProgress } = this.#options;
    const placed = chunk.map((sample, i) => ({ ...sample, position: first + i }));
    const readable = placed.filter(({ image }) => !isImageFailure(image));
    const images = readable.map(({ image }) => image as Pixels);
    const answers = await this.#model.classify(images, { topk, temperature, signal });
    for (const [i, { position, name }] of readable.entries()) {
      rows.set(position, name, answers[i]!);
    }
    for (const { position, name, image } of placed) {
      if (!isImageFailure(image)) continue;
      failures.set(position, { name, ...withoutPosition(image) });
      this.#unreadable++;
    }
    this.#done += chunk.length;
    this.#computed += chunk.length;
    onProgress?.({
      ...{ done: this.#done, total: this.#pool.size, unreadable: this.#unreadable },
      rate: (1000 * this.#computed) / (performance.now() - this.#startTime),
    });
  }

  #result(): ScoredPool {
    const shards = [...this.#shards].toSorted(([a], [b]) => a - b);
    if (shards.length === 0) throw noImages(this.#pool.names.join(', '));
    const unreadable = shards.flatMap(([, info]) => info.unreadable);
    const images = shards.reduce((total, [, info]) => total + info.images, 0);
    return {
      files: shards.map(([shard]) => join(this.#directory, shardName(shard))),
      scored: images - unreadable.length,
      unreadable,
    };
  }
}

function noImages(name: string): DatasetError {
  return new DatasetError('ERR_SEMISUP_DATASET_EMPTY', {
    what: `The pool ${name} contains no images.`,
    remedy: 'Check the path, and the format of the dataset.',
    value: name,
  });
}
