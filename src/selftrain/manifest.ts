import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { differenceBetween, type Conditions } from '../conditions';
import { TrainingError } from '../errors';
import { sha256File } from '../net/hash';
import { abbreviate } from '../options';
import { writeError } from '../pseudo-labels';
import { writeFileAtomically } from '../torch';
import { versions } from '../versions';

/** The version of the format. */
const format = 1;

/** A step of `selftrain`; `weak` exists with weak labels only. */
export type StepName = 'weak' | 'teacher' | 'score' | 'select' | 'pretrain' | 'finetune';

/** The steps of a run, in their order. */
export const stepNames: readonly StepName[] = [
  ...(['weak', 'teacher', 'score', 'select', 'pretrain', 'finetune'] as const),
];

/** What a step was asked for, and computes from. */
interface Beginning {
  readonly step: StepName;
  /** What was asked for, with the SHA-256 of images and files of yours. */
  readonly conditions: Readonly<Record<string, unknown>>;
  /** The SHA-256 of what earlier steps wrote for it. */
  readonly inputs: Readonly<Record<string, string>>;
}

/** A step of `selftrain` that was completed: an entry of `manifest.json`. */
export interface SelftrainStep extends Beginning {
  /** The SHA-256 of the files that it wrote, by their paths, which are relative to the directory of the run. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Its results, such as the accuracy. */
  readonly result: Readonly<Record<string, unknown>>;
  /** The duration of the call that completed it. */
  readonly seconds: number;
  /** The version of this package that completed it. */
  readonly semisup: string;
}

/** An entry of the file: of a step that was completed, or begun. */
type Entry = SelftrainStep | (Beginning & { readonly outputs?: undefined });

/** A step to do. */
export interface StepTask extends Beginning {
  /** The files that it writes, if they are known before. */
  readonly files?: readonly string[];
  /** Whether `run` is called even if the step is complete, because it finds what is missing itself. */
  readonly isIncremental?: boolean;
  /** Does it, and returns the paths of what it wrote. */
  readonly run: () => Promise<{ readonly files: readonly string[]; readonly result: Conditions }>;
}

/** Which steps of a run were done, with what, and with which results: the file `manifest.json`. */
export class Manifest {
  readonly #directory: string;
  readonly #path: string;
  readonly #signal: AbortSignal;
  readonly #entries: Map<StepName, Entry>;

  private constructor(directory: string, signal: AbortSignal, entries: readonly Entry[]) {
    this.#directory = directory;
    this.#path = pathIn(directory);
    this.#signal = signal;
    this.#entries = new Map(entries.map((entry) => [entry.step, entry]));
  }

  /** Opens the manifest in a directory, or starts one. @throws TrainingError if it is damaged */
  static async open(directory: string, signal: AbortSignal): Promise<Manifest> {
    const path = pathIn(directory);
    const text = await readFile(path, 'utf8').catch((cause: unknown) => {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw damaged(path, (cause as Error).message, cause);
    });
    return new Manifest(directory, signal, text === undefined ? [] : parse(path, text));
  }

  /**
   * Does a step, unless it was completed: what it wrote is unchanged, and so is what it was computed from. If the latter
   * changed, because an earlier step was repeated, its directory is emptied before.
   *
   * @throws TrainingError if it was begun under other conditions, or cannot be written
   */
  async complete(task: StepTask): Promise<SelftrainStep> {
    this.#signal.throwIfAborted();
    const { step, conditions, inputs } = task;
    const directory = join(this.#directory, step);
    const before = this.#entries.get(step);
    if (before && JSON.stringify(before.conditions) !== JSON.stringify(conditions)) {
      throw otherStep(directory, before.conditions, conditions);
    }
    const isSame = before && JSON.stringify(before.inputs) === JSON.stringify(inputs);
    const completed = isSame && before.outputs ? before : undefined;
    if (completed && !task.isIncremental && (await this.#hasFiles(completed, task))) {
      return completed;
    }
    try {
      if (before && !isSame) await rm(directory, { recursive: true, force: true });
      await mkdir(directory, { recursive: true });
    } catch (cause) {
      throw writeError(directory, cause);
    }
    // What is in the directory belongs to these conditions and inputs, even if the step does not end.
    if (!completed) await this.#write({ step, conditions, inputs });
    const done = await this.#run(task);
    if (completed && JSON.stringify(completed.outputs) === JSON.stringify(done.outputs)) {
      return completed;
    }
    await this.#write(done);
    return done;
  }

  async #run({ step, conditions, inputs, run }: StepTask): Promise<SelftrainStep> {
    const startTime = performance.now();
    const { files, result } = await run();
    this.#signal.throwIfAborted();
    const outputs: Record<string, string> = {};
    for (const file of files) outputs[this.#nameOf(file)] = await sha256File(file, this.#signal);
    const seconds = Math.round((performance.now() - startTime) / 1000);
    return { step, conditions, inputs, outputs, result, seconds, semisup: versions.semisup };
  }

  #nameOf(file: string): string {
    return relative(this.#directory, resolve(file)).replaceAll('\\', '/');
  }

  /** Whether the files of a step are those that it wrote. */
  async #hasFiles({ outputs }: SelftrainStep, { files = [] }: StepTask): Promise<boolean> {
    if (files.some((file) => !(this.#nameOf(file) in outputs))) return false;
    for (const [name, sha256] of Object.entries(outputs)) {
      const path = resolve(this.#directory, name);
      const exists = await stat(path).catch(() => undefined);
      if (!exists || (await sha256File(path, this.#signal)) !== sha256) return false;
    }
    return true;
  }

  async #write(entry: Entry): Promise<void> {
    this.#entries.set(entry.step, entry);
    const steps = stepNames.flatMap((name) => this.#entries.get(name) ?? []);
    const text = `${JSON.stringify({ format, steps }, undefined, 2)}\n`;
    try {
      await writeFileAtomically(this.#path, (temporary) => writeFile(temporary, text));
    } catch (cause) {
      throw writeError(this.#path, cause);
    }
  }
}

function pathIn(directory: string): string {
  return join(directory, 'manifest.json');
}

function parse(path: string, text: string): readonly Entry[] {
  let content: Partial<Record<'format' | 'steps', unknown>> | null;
  try {
    content = JSON.parse(text) as typeof content;
  } catch (cause) {
    throw damaged(path, 'it is not JSON', cause);
  }
  const { steps } = content ?? {};
  if (content?.format !== format || !Array.isArray(steps) || !steps.every(isEntry)) {
    throw damaged(path, 'it is not the manifest of a run');
  }
  return steps;
}

function isEntry(value: unknown): value is Entry {
  const isObject = (one: unknown) => typeof one === 'object' && one !== null;
  if (!isObject(value)) return false;
  const { step, conditions, inputs, outputs = {} } = value as Entry;
  return stepNames.includes(step) && [conditions, inputs, outputs].every(isObject);
}

function damaged(path: string, problem: string, cause?: unknown): TrainingError {
  return new TrainingError('ERR_SEMISUP_TRAINING_RUN', {
    what: `The run cannot be resumed from '${abbreviate(path)}': ${problem}.`,
    remedy:
      'Pass another runDir; or, if the directory has a run, remove the file: completed epochs and score files are reused.',
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
