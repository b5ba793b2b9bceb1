import { basename } from 'node:path';
import { IndexError } from '../errors';
import { hub } from '../hub';
import { sha256File } from '../net/hash';
import { abbreviate } from '../options';
import { isModelFile } from './open-classifier';
import type { RunFlags } from './run-options';

/** Separates the name of a model from the hash of its file. */
const mark = '@sha256:';

/**
 * What an index stores as its model: a name of the hub or, for a file of one's own, a name and the start of the SHA-256
 * of the file, because embeddings of other weights cannot be compared.
 *
 * @throws ModelError if the hub has no model of this name
 */
export async function identifyModel({ model, weights }: RunFlags): Promise<string> {
  const isFile = isModelFile(model);
  const name = isFile ? basename(model) : hub.info(model).name;
  const file = isFile ? model : weights;
  if (file === undefined) return name;
  return `${name}${mark}${(await sha256File(file)).slice(0, 16)}`;
}

/**
 * Selects the model of an index, unless the flags name one.
 *
 * @param isDefault whether `--model` is the default
 * @throws IndexError `ERR_SEMISUP_INDEX_MODEL` if the flags name another model
 */
export async function selectModel<Flags extends RunFlags>(
  flags: Flags,
  isDefault: boolean,
  index: { readonly path: string; readonly model: string | undefined },
): Promise<Flags> {
  const { path, model } = index;
  if (model === undefined) return flags;
  const isOfHub = !model.includes(mark);
  if (isDefault && flags.weights === undefined && isOfHub) return { ...flags, model };
  const selected = await identifyModel(flags);
  if (selected === model) return flags;
  throw new IndexError('ERR_SEMISUP_INDEX_MODEL', {
    what: `The index '${abbreviate(path)}' has embeddings of ${abbreviate(model)}, but the model selected is ${selected}.`,
    remedy: isOfHub
      ? `Pass --model ${abbreviate(model)}, or another index.`
      : 'Pass the file of that model as --model or --weights, or another index.',
    value: selected,
  });
}
