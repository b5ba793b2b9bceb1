import type { Evaluation } from '../evaluate';
import type { ModelMetadata } from '../models';
import type { RegularizationScore } from './cross-validate';
import type { LabelIssue } from './label-issues';

/** A model that learned new classes, and how well. */
export interface TaughtModel {
  /** The absolute path of the TorchScript file. */
  readonly path: string;
  readonly metadata: ModelMetadata;
  /**
   * The accuracy by cross-validation: each image is judged by a model that did not learn from it, with the temperature.
   * The written model, which learned from all, is usually a little better.
   */
  readonly evaluation: Evaluation;
  /** The expected calibration error without the temperature, 0 to 1. */
  readonly uncalibratedEce: number;
  /** The divisor of the logits, which is in the weights already. */
  readonly temperature: number;
  /** The inverse of the regularization's strength, as in scikit-learn's `LogisticRegression`. */
  readonly c: number;
  /** The regularizations that were compared, from strong to weak. */
  readonly regularizations: readonly RegularizationScore[];
  /** The images whose labels are probably wrong, most probable first. */
  readonly labelIssues: readonly LabelIssue[];
  /** The number of embeddings that were computed; the others were in the cache. */
  readonly embedded: number;
  /** In seconds. */
  readonly duration: Readonly<Record<'read' | 'embed' | 'solve', number>>;
}
