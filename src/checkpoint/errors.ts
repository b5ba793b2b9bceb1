import { CheckpointError } from '../errors';
import { abbreviate } from '../options';

const MAX_NAME_LENGTH = 120;

/** Converts a name from an untrusted file to printable text: truncates it and replaces control characters. */
export function toPrintable(name: string): string {
  const cut = name.length > MAX_NAME_LENGTH ? `${name.slice(0, MAX_NAME_LENGTH)}…` : name;
  return cut.replace(/\p{C}/gu, '?');
}

/** Describes a value of an untrusted file, which may be anything where a name is expected. */
export function describeUntrusted(value: unknown): string {
  if (typeof value === 'string') return toPrintable(value);
  if (Array.isArray(value)) return 'array';
  return typeof value === 'object' && value !== null ? 'object' : String(value);
}

/** The error for a file that violates its format. */
export function malformedError(path: string, fault: string, cause?: unknown): CheckpointError {
  return new CheckpointError('ERR_SEMISUP_CHECKPOINT_FORMAT', {
    what: `The checkpoint '${abbreviate(path)}' could not be read: ${fault}.`,
    remedy:
      'Download the file again if it may be corrupted; otherwise save the model again as a plain state dict, with torch.save or as safetensors.',
    value: path,
    cause,
  });
}

/** The error for a truncated file. */
export function truncatedError(path: string, fault: string, cause?: unknown): CheckpointError {
  return new CheckpointError('ERR_SEMISUP_CHECKPOINT_TRUNCATED', {
    what: `The checkpoint '${abbreviate(path)}' is truncated: ${fault}.`,
    remedy: 'Delete the file and download it again.',
    value: path,
    cause,
  });
}

/** The error for a pickle that names `name`, which only an attack needs. */
export function unsafeError(path: string, name: string): CheckpointError {
  return new CheckpointError('ERR_SEMISUP_CHECKPOINT_UNSAFE', {
    what: `The checkpoint '${abbreviate(path)}' names \`${toPrintable(name)}\`, which can run code when Python loads the file; nothing was executed.`,
    remedy:
      'Do not load it in Python unless you trust its author; if you do, save only its state dict there: torch.save(model.state_dict(), path).',
    value: path,
  });
}

/** The error for a checkpoint that contains something else instead of a state dict. */
export function noStateDictError(path: string, fault: string): CheckpointError {
  return new CheckpointError('ERR_SEMISUP_CHECKPOINT_FORMAT', {
    what: `The checkpoint '${abbreviate(path)}' contains no state dict: ${fault}.`,
    remedy: 'Load it in Python and save only its state dict: torch.save(model.state_dict(), path).',
    value: path,
  });
}
