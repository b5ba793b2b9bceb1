import { join } from 'node:path';
import type { Pool } from '../pseudo-labels';
import type { LabeledImages } from './labeled-images';
import type { Manifest, SelftrainStep, StepName } from './manifest';
import type { SelftrainOptions } from './selftrain-options';

/** What the steps of a run have in common. */
export interface RunContext {
  /** The absolute path of the directory of the run. */
  readonly directory: string;
  readonly manifest: Manifest;
  readonly options: SelftrainOptions;
  readonly labeled: LabeledImages;
  readonly pool: Pool;
  /** Of the lock on the directory. */
  readonly signal: AbortSignal;
}

/** The path of a file of a step. */
export function fileOf({ directory }: Pick<RunContext, 'directory'>, step: StepName, name: string) {
  return join(directory, step, name);
}

/** The SHA-256 of a file that a step wrote. */
export function outputOf({ step, outputs }: SelftrainStep, name: string): string {
  return outputs[`${step}/${name}`]!;
}
