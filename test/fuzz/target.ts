import type { Random } from '../support/random';

/** A valid input, from which others are derived. */
export interface Seed {
  readonly name: string;
  readonly bytes: Buffer;
}

/** What a target did with an input. */
export interface Outcome {
  /** Whether it was accepted. */
  readonly accepted: boolean;
  /** The code of the typed error otherwise. */
  readonly code?: string;
  /** How an accepted input differs from what the reference implementation makes of it; undefined if it does not. */
  readonly mismatch?: string;
}

/** The resources of a target, which belong to one process. */
export interface TargetContext {
  /** An empty directory in memory, if the system has one. */
  readonly directory: string;
  /** Calls a function of oracle.py; returns undefined without the reference Python. */
  readonly askPython: <Result>(name: string, ...values: unknown[]) => Promise<Result | undefined>;
}

/**
 * A kind of input. To add one, write a file in targets/ and list it in targets/index.ts.
 *
 * `run` returns the outcome if the input was accepted, or refused with a `SemisupError`. It throws anything else
 * that the code under test throws. A crash, a time-out and too much memory are detected from outside.
 */
export interface Target {
  readonly name: string;
  /** The maximum resident memory of the process, in bytes. */
  readonly maxMemory: number;
  readonly seeds: () => Promise<readonly Seed[]>;
  /** Edits that keep the input's structure; without them only `mutate` is used. */
  readonly edit?: (seed: Seed, random: Random) => Buffer;
  /** The Python modules that the reference needs; without them there is none. */
  readonly reference?: readonly string[];
  /** Byte sequences that have a meaning in the format. */
  readonly tokens?: readonly Buffer[];
  readonly open: (context: TargetContext) => Promise<(input: Buffer) => Promise<Outcome>>;
}
