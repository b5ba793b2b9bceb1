import { join } from 'node:path';
import type { Dataset, Sample, SamplesOptions } from './sample';

/** Images in files. */
export class FileDataset implements Dataset {
  readonly name: string;
  readonly size: number;
  readonly labels: readonly string[];
  readonly emptyClasses: readonly string[];
  readonly #root: string;
  readonly #entries: readonly Omit<Sample, 'image'>[];

  /**
   * @param name the dataset's path
   * @param root the directory that the names of the entries are relative to
   */
  constructor(
    name: string,
    root: string,
    entries: readonly Omit<Sample, 'image'>[],
    emptyClasses: readonly string[] = [],
  ) {
    this.name = name;
    this.emptyClasses = emptyClasses;
    this.#root = root;
    this.#entries = entries;
    this.size = entries.length;
    this.labels = [...new Set(entries.flatMap(({ label }) => label ?? []))];
  }

  // eslint-disable-next-line @typescript-eslint/require-await
  async *samples({ skip, signal }: SamplesOptions = {}): AsyncGenerator<Sample> {
    for (const { name, label } of this.#entries) {
      signal?.throwIfAborted();
      if (!skip?.(name)) yield { name, label, image: join(this.#root, name) };
    }
  }
}
