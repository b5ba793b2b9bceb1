import type { ImageInput } from '../image';

/** An image of a dataset, and its label. */
export interface Sample {
  /** Identifies the image within the dataset: its path below the dataset's root, with `/`. */
  readonly name: string;
  readonly image: ImageInput;
  /** As the dataset states it: a WordNet ID, the name of a class or its index; undefined if it states none. */
  readonly label: string | undefined;
}

/** Options of `Dataset.samples`. */
export interface SamplesOptions {
  /** Samples whose names it returns true for are left out, and not read from an archive. */
  readonly skip?: (name: string) => boolean;
  readonly signal?: AbortSignal;
}

/** Images, labeled or not. `openDataset` opens those in files; implement it for others. */
export interface Dataset {
  /** The path of the dataset or another name, for messages and results. */
  readonly name: string;
  /** The number of samples, if it is known before they are read. */
  readonly size?: number;
  /** The labels that occur, if they are known before the samples are read, so that wrong ones are reported at once. */
  readonly labels?: readonly string[];
  /** The directories of classes that contain no images, if they are known. */
  readonly emptyClasses?: readonly string[];
  /** Returns all samples, in the same order every time. No two have the same name. */
  samples(options?: SamplesOptions): AsyncIterable<Sample>;
}
