import type { ImageInput } from '../image';

/** An image to train on. */
export interface TrainingImage {
  readonly name: string;
  readonly input: ImageInput;
  /** The index of its class. */
  readonly label: number;
  /** Of its content. */
  readonly sha256: string;
}
