/** The kinds of failure; the last three are detected from outside of the process. */
export type FailureKind = 'untyped' | 'mismatch' | 'slow' | 'output' | 'crash' | 'hang' | 'memory';

/** What a child process reports. */
export type Message =
  | {
      readonly type: 'progress';
      /** The number of inputs since the last message. */
      readonly cases: number;
      readonly accepted: number;
      /** How many of the accepted ones the reference also accepted. */
      readonly compared: number;
    }
  | {
      readonly type: 'failure';
      readonly kind: FailureKind;
      readonly index: number;
      readonly detail: string;
      /** The input in Base64, minimized. */
      readonly input?: string;
    };
