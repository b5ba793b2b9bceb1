/** Options of `writeReport`. */
export interface ReportOptions {
  /** That of the evaluation; `false` by default. */
  readonly orient?: boolean;
  /** When aborted, the promise is rejected with the signal's reason, and no file is written. */
  readonly signal?: AbortSignal;
}
