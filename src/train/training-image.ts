import type { Operations } from '../native';
import type { ImageInput } from '../image';
import type { Pixels } from '../types';

/** An image to train on. */
export interface TrainingImage {
  readonly name: string;
  readonly input: ImageInput;
  /** The index of its class. */
  readonly label: number;
  /** Of its content. */
  readonly sha256: string;
}

/** A decoded image, and how it is changed. */
export interface AugmentedImage {
  readonly pixels: Pixels;
  readonly operations: Operations;
}
