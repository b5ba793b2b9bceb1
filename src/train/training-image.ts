import type { ImageInput } from '../image';

/** An image to train on, with one of its labels. */
export interface TrainingImage {
  readonly name: string;
  readonly input: ImageInput;
  /** The index of its class. */
  readonly label: number;
  /** Of its content. */
  readonly sha256: string;
  /** Identifies the image among those of its set: one with several labels is decoded once. */
  readonly source: number;
}
