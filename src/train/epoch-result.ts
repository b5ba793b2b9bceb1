/** The result of an epoch of training. */
export interface EpochResult {
  /** From 1. */
  readonly epoch: number;
  /** The mean loss of the training images, augmented, mixed and with smoothed labels, while the weights changed. */
  readonly loss: number;
  /** The share of the training images whose class had the largest logit, 0 to 1. */
  readonly accuracy: number;
  /** The learning rate of the last update. */
  readonly lr: number;
  /** Of the validation images after the epoch; absent without validation. */
  readonly validation?: {
    /** The share of right answers, 0 to 1. */
    readonly top1: number;
    /** The mean negative log-likelihood. */
    readonly nll: number;
  };
}
