import * as errors from '../errors';
import { SemisupError, type ErrorDetails } from '../errors';

/** An error of a child process as JSON. */
export interface TransferredError {
  /** The name of its class in errors.ts; of another error, its own name. */
  readonly name: string;
  readonly code?: string;
  readonly what: string;
  readonly remedy: string;
  readonly value?: string | number;
}

/** The longest text of an error: TorchScript's tracebacks are long. */
const maxLength = 20_000;

type ErrorClass = new (code: string, details: ErrorDetails) => SemisupError;

/** The classes that can be created, by name. `SemisupError` itself is abstract. */
const classes = new Map(
  Object.entries(errors).filter(([name]) => name !== 'SemisupError') as [string, ErrorClass][],
);

/** Describes an error that a child process reports. */
export function encodeError(error: unknown): TransferredError {
  if (error instanceof SemisupError) {
    const { name, code, what, remedy, value } = error as SemisupError;
    const isPlain = typeof value === 'string' || typeof value === 'number';
    return { name, code, what, remedy, ...(isPlain && { value }) };
  }
  const { name, message }: Error = error instanceof Error ? error : new Error(String(error));
  return { name, what: message, remedy: '' };
}

/** Creates the error that a child process, which is not trusted, has reported. @throws if it is not valid */
export function decodeError(value: unknown): Error {
  const { name, code, what, remedy, value: offending } = value as Record<string, unknown>;
  if (typeof name !== 'string' || typeof what !== 'string' || typeof remedy !== 'string') {
    throw new Error('an error has no text');
  }
  const texts = { what: what.slice(0, maxLength), remedy: remedy.slice(0, maxLength) };
  const isCode = typeof code === 'string' && /^ERR_SEMISUP_[A-Z_]{1,60}$/.test(code);
  const Class = isCode ? classes.get(name) : undefined;
  if (!Class) return new Error(texts.what);
  const isPlain = typeof offending === 'string' || typeof offending === 'number';
  return new Class(code as string, { ...texts, ...(isPlain && { value: offending }) });
}
