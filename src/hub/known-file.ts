import { CheckpointError } from '../errors';
import { cards, type ModelCard } from '../models';

/** The card whose published checkpoint a file is, by its SHA-256. */
export function knownCard(sha256: string): ModelCard | undefined {
  return cards.find(
    ({ origin }) => origin.kind === 'file' && sha256.startsWith(origin.sha256Prefix),
  );
}

/** Throws if the published checkpoint of one model is to be loaded as another architecture. */
export function checkKnownCard(known: ModelCard, asked: ModelCard, path: string): void {
  if (known.architecture === asked.architecture) return;
  throw new CheckpointError('ERR_SEMISUP_CHECKPOINT_MISMATCH', {
    what: `The checkpoint '${path}' is the published one of ${known.name}, whose architecture is ${known.architecture} instead of ${asked.architecture}.`,
    remedy: `Load it as ${known.name}.`,
    value: path,
  });
}
