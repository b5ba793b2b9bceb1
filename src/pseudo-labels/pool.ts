import { basename } from 'node:path';
import type { Dataset, Sample, SamplesOptions } from '../dataset';
import { invalidArgument } from '../options';

/** The images of one or several datasets, one after another. */
export class Pool {
  readonly datasets: readonly Dataset[];
  /** What the names of the images of each dataset begin with. */
  readonly #prefixes: readonly string[];

  /** @throws OptionError unless the last components of the names of the datasets are different */
  constructor(pool: Dataset | readonly Dataset[]) {
    this.datasets = Array.isArray(pool) ? (pool as readonly Dataset[]) : [pool as Dataset];
    if (this.datasets.length === 0) throw invalidArgument('pool', 'at least one dataset', pool);
    const isDataset = (one: Dataset | undefined) => typeof one?.samples === 'function';
    const stranger = this.datasets.findIndex((one) => !isDataset(one));
    if (stranger >= 0)
      throw invalidArgument('pool', 'datasets of openDataset()', this.datasets[stranger]);
    const isOne = this.datasets.length === 1;
    this.#prefixes = this.names.map((name) => (isOne ? '' : `${name}/`));
    const twice = this.names.find((name, i) => this.names.indexOf(name) !== i);
    if (twice === undefined) return;
    throw invalidArgument('pool', 'datasets whose paths end in different names', twice);
  }

  /** The last components of the paths of the datasets: they may be moved. */
  get names(): string[] {
    return this.datasets.map(({ name }) => basename(name));
  }

  /** The number of images, if all datasets know it. */
  get size(): number | undefined {
    const sizes = this.datasets.map(({ size }) => size ?? NaN);
    const sum = sizes.reduce((total, size) => total + size, 0);
    return Number.isNaN(sum) ? undefined : sum;
  }

  /** All images, in the same order every time. */
  async *samples({ skip, signal }: SamplesOptions): AsyncGenerator<Sample> {
    for (const [i, dataset] of this.datasets.entries()) {
      const prefix = this.#prefixes[i]!;
      const skipName = skip && ((name: string) => skip(prefix + name));
      for await (const sample of dataset.samples({ skip: skipName, signal })) {
        yield { ...sample, name: prefix + sample.name };
      }
    }
  }
}
