import { copyFile, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { card } from '../../src/models';
import { sha256File } from '../../src/net/hash';

/** The parts of a model's card that say which file its published checkpoint is. */
export interface Origin {
  readonly file: string;
  readonly sha256Prefix: string;
}

/** Copies a file into a hub directory, and makes it the published checkpoint of a model. Returns its path. */
export async function publishCheckpoint(
  name: string,
  weights: string,
  hubDir: string,
): Promise<{ readonly checkpoint: string; readonly origin: Origin }> {
  const checkpoint = join(hubDir, 'checkpoints', 'weights.safetensors');
  await mkdir(join(hubDir, 'checkpoints'), { recursive: true });
  await copyFile(weights, checkpoint);
  const sha256Prefix = (await sha256File(checkpoint)).slice(0, 8);
  const origin = { file: basename(checkpoint), sha256Prefix };
  Object.assign(card(name).origin, origin);
  return { checkpoint, origin };
}
