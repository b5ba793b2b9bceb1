import type { Classifier } from '../classify';

/** Options of `writeReport`. */
export interface ReportOptions {
  /**
   * The model of the first evaluation, which explains its worst mistakes by heat maps of the predicted classes; a model of your
   * own needs the method `class_maps`. Without it the report has no heat maps.
   */
  readonly model?: Classifier;
  /** That of the evaluation; `false` by default. */
  readonly orient?: boolean;
  /** When aborted, the promise is rejected with the signal's reason, and no file is written. */
  readonly signal?: AbortSignal;
}
