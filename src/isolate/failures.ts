import { IsolationError, ScriptError } from '../errors';
import { permissionError } from '../permission';

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what it wrote to stderr. */
  readonly stderr: string;
}

const restart =
  'The next call starts it again. If it recurs, do not use the model, or report the problem with the model attached.';

/** The error of a process that ended without being asked to. @param name the model's */
export function exitError(name: string, { code, signal, stderr }: Ending): IsolationError {
  const how = signal === null ? `exited with code ${code}` : `was ended by the signal ${signal}`;
  const output = stderr.trim();
  return new IsolationError('ERR_SEMISUP_ISOLATED_EXIT', {
    what: `The process of the isolated model ${name} ${how}${output === '' ? '.' : `; its stderr ends with: ${output}\n`}`,
    remedy: `${hintFor(signal)}${restart}`,
    value: signal ?? code,
  });
}

function hintFor(signal: NodeJS.Signals | null): string {
  if (signal !== 'SIGKILL') return '';
  return 'The system may have run out of memory, or somebody killed it. ';
}

/** The error of a process that could not be started. */
export function startError(name: string, cause: unknown): Error {
  const what = `The process of the isolated model ${name} could not be started`;
  const denied = permissionError(what, cause);
  if (denied) return denied;
  return new IsolationError('ERR_SEMISUP_ISOLATED_EXIT', {
    what: `${what}: ${(cause as Error).message}.`,
    remedy: 'Check the limits of the system on processes and memory.',
    value: name,
    cause,
  });
}

/** The error of a process that sent something other than the answer to a request. */
export function answerError(name: string, cause: unknown): IsolationError {
  return new IsolationError('ERR_SEMISUP_ISOLATED_EXIT', {
    what: `The process of the isolated model ${name} was killed, because it sent an invalid answer: ${(cause as Error).message}.`,
    remedy: 'Do not use the model: it may have taken over its process.',
    value: name,
    cause,
  });
}

/** The error of a process that was killed because it exceeded its memory limit. */
export function memoryError(name: string, bytes: number, limit: number): IsolationError {
  return new IsolationError('ERR_SEMISUP_ISOLATED_MEMORY', {
    what: `The process of the isolated model ${name} was killed, because its resident memory of ${mebibytes(bytes)} exceeded the limit of ${mebibytes(limit)}.`,
    remedy:
      'Raise isolate.memory if the model needs more; otherwise do not use it. The next call starts the process again.',
    value: bytes,
  });
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}

/** The error of a call that exceeded its time limit. @param activity e.g. `load` */
export function timeoutError(name: string, activity: string, milliseconds: number): ScriptError {
  return new ScriptError('ERR_SEMISUP_TIMEOUT', {
    what: `The isolated model ${name} did not ${activity} within its time limit of ${milliseconds} ms, so its process was killed.`,
    remedy:
      'Raise isolate.milliseconds if the model is that slow; otherwise it may contain an endless loop. The next call starts the process again.',
    value: milliseconds,
  });
}

/** The error of a call that ran while another one made its process be killed. */
export function siblingError(name: string, cause: unknown): IsolationError {
  return new IsolationError('ERR_SEMISUP_ISOLATED_EXIT', {
    what: `The process of the isolated model ${name} was killed because of another call.`,
    remedy: 'Call again, which starts it again.',
    value: name,
    cause,
  });
}
