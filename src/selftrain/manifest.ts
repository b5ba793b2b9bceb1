import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { differenceBetween, type Conditions } from '../conditions';
import { TrainingError } from '../errors';
import { sha256File } from '../net/hash';
import { abbreviate } from '../options';
import { writeFileAtomically } from '../torch';
import { versions } from '../versions';
import { writeError } from './errors';

/** The version of the format. */
const format = 1;

/** The steps of a run, in their order; `weak` exists with weak labels only. */
export const stepNames = ['weak', 'teacher', 'score', 'select', 'pretrain', 'finetune'] as const;

export type StepName = (typeof stepNames)[number];

/** A step of `selftrain` that was completed: an entry of `manifest.json`. */
export interface SelftrainStep {
  readonly step: StepName;
  /** What was asked for. */
  readonly conditions: Conditions;
  /** The SHA-256 of what it was computed from. */
  readonly inputs: Readonly<Record<string, string>>;
  /** The SHA-256 of the files that it wrote, by their paths, which are relative to the directory of the run. */
  readonly outputs: Readonly<Record<string, string>>;
  /** What is worth knowing of it, such as its accuracy. */
  readonly result: Conditions;
  readonly seconds: number;
}

/** A step to do. */
export interface StepTask extends Pick<SelftrainStep, 'step' | 'conditions' | 'inputs'> {
  /** Whether it is done again although it was completed, because it recognizes itself what it has done. */
  readonly isIncremental?: boolean;
  /** Does it, and returns the paths of what it wrote. */
  readonly run: () => Promise<{ readonly files: readonly string[]; readonly result: Conditions }>;
}

/** Which steps of a run were done, with what, and with which results: the file `manifest.json`. */
export class Manifest {
  readonly #directory: string;
  readonly #path: string;
  readonly #signal: AbortSignal;
  #steps: readonly SelftrainStep[];

  private constructor(directory: string, signal: AbortSignal, steps: readonly SelftrainStep[]) {
    this.#directory = directory;
    this.#path = pathIn(directory);
    this.#signal = signal;
    this.#steps = steps;
  }

  /** Opens the manifest in a directory, or starts one. @throws TrainingError if it is damaged */
  static async open(directory: string, signal: AbortSignal): Promise<Manifest> {
    const path = pathIn(directory);
    const text = await readFile(path, 'utf8').catch((cause: unknown) => {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw damaged(path, cause);
    });
    return new Manifest(directory, signal, text === undefined ? [] : parse(path, text));
  }

  /** The steps that are done, in their order. */
  get steps(): readonly SelftrainStep[] {
    return stepNames.flatMap((name) => this.#steps.find(({ step }) => step === name) ?? []);
  }

  /**
   * Does a step, unless it was completed: what it wrote is unchanged, and so is what it was computed from. If the latter
   * changed, because an earlier step was repeated, its directory is removed before.
   *
   * @throws TrainingError if it was begun under other conditions
   */
  async complete({ step, conditions, inputs, ...task }: StepTask): Promise<SelftrainStep> {
    this.#signal.throwIfAborted();
    const before = this.#steps.find((one) => one.step === step);
    if (before) {
      if (JSON.stringify(before.conditions) !== JSON.stringify(conditions)) {
        throw otherStep(join(this.#directory, step), before.conditions, conditions);
      }
      const isSame = JSON.stringify(before.inputs) === JSON.stringify(inputs);
      if (!isSame) await rm(join(this.#directory, step), { recursive: true, force: true });
      else if (!task.isIncremental && (await this.#hasOutputs(before))) return before;
    }
    const startTime = performance.now();
    const { files, result } = await task.run();
    this.#signal.throwIfAborted();
    const outputs: Record<string, string> = {};
    for (const file of files) outputs[this.#nameOf(file)] = await sha256File(file, this.#signal);
    const seconds = Math.round((performance.now() - startTime) / 1000);
    const done = { step, conditions, inputs, outputs, result, seconds };
    await this.#write(done);
    return done;
  }

  #nameOf(file: string): string {
    return relative(this.#directory, resolve(file)).replaceAll('\\', '/');
  }

  async #hasOutputs({ outputs }: SelftrainStep): Promise<boolean> {
    for (const [name, sha256] of Object.entries(outputs)) {
      const path = join(this.#directory, name);
      const exists = await stat(path).catch(() => undefined);
      if (!exists || (await sha256File(path, this.#signal)) !== sha256) return false;
    }
    return true;
  }

  async #write(done: SelftrainStep): Promise<void> {
    const steps = [...this.#steps.filter(({ step }) => step !== done.step), done];
    this.#steps = steps;
    const content = { format, semisup: versions.semisup, libtorch: versions.libtorch };
    const text = `${JSON.stringify({ ...content, steps: this.steps }, undefined, 2)}\n`;
    await writeFileAtomically(this.#path, (temporary) => writeFile(temporary, text)).catch(
      (cause: unknown) => {
        throw writeError(this.#path, cause);
      },
    );
  }
}

function pathIn(directory: string): string {
  return join(directory, 'manifest.json');
}

function parse(path: string, text: string): readonly SelftrainStep[] {
  try {
    const content = JSON.parse(text) as { format: unknown; steps: readonly SelftrainStep[] };
    if (content.format !== format) throw new Error(`its format is ${String(content.format)}`);
    const isStep = ({ step, conditions, inputs, outputs }: SelftrainStep) =>
      stepNames.includes(step) &&
      [conditions, inputs, outputs].every((one) => typeof one === 'object');
    if (!content.steps.every(isStep)) throw new Error('a step is incomplete');
    return content.steps;
  } catch (cause) {
    throw damaged(path, cause);
  }
}

function damaged(path: string, cause: unknown): TrainingError {
  return new TrainingError('ERR_SEMISUP_TRAINING_RUN', {
    what: `The run cannot be resumed from '${abbreviate(path)}': ${(cause as Error).message}.`,
    remedy: 'Remove the file: steps whose files exist go on where they ended.',
    value: path,
    cause,
  });
}

function otherStep(path: string, before: Conditions, now: Conditions): TrainingError {
  return new TrainingError('ERR_SEMISUP_TRAINING_RUN', {
    what: `'${abbreviate(path)}' belongs to another run: ${differenceBetween(before, now)}.`,
    remedy: 'Pass the same options and images to go on with it, or another runDir for a new run.',
    value: path,
  });
}
