import { CheckpointError } from '../errors';

const SHOWN = 120;

/** A name out of a hostile file, fit for a message: of bounded length, without control characters. */
export function shown(name: string): string {
  const cut = name.length > SHOWN ? `${name.slice(0, SHOWN)}…` : name;
  return cut.replace(/\p{C}/gu, '?');
}

/** The error for a file that is not what its format demands. `fault` completes the sentence. */
export function malformed(path: string, fault: string, cause?: unknown): CheckpointError {
  return new CheckpointError('ERR_SEMISUP_CHECKPOINT_FORMAT', {
    what: `The checkpoint '${path}' cannot be read: ${fault}.`,
    remedy:
      'Fetch the file again if it may be damaged; else save the model again as a plain state dict, with torch.save or as safetensors.',
    value: path,
    cause,
  });
}

/** The error for a file that ends too early. `fault` completes the sentence. */
export function truncated(path: string, fault: string, cause?: unknown): CheckpointError {
  return new CheckpointError('ERR_SEMISUP_CHECKPOINT_TRUNCATED', {
    what: `The checkpoint '${path}' is cut short: ${fault}.`,
    remedy: 'Delete the file and fetch it again.',
    value: path,
    cause,
  });
}

/** The error for a pickle that names `name`, which is not on the allow-list. */
export function unsafe(path: string, name: string): CheckpointError {
  return new CheckpointError('ERR_SEMISUP_CHECKPOINT_UNSAFE', {
    what: `The checkpoint '${path}' names \`${shown(name)}\`, which no plain state dict has a use for; nothing was run.`,
    remedy:
      'If you trust the file, load it in Python and save its state dict alone: torch.save(model.state_dict(), path).',
    value: path,
  });
}
