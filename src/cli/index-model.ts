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
 * of the file, because embeddings of other weights cannot be compared; then `--size` and `--crop`, likewise.
 *
 * @throws ModelError if the hub has no model of this name
 */
export async function identifyModel({ model, weights, size, crop }: RunFlags): Promise<string> {
  const isFile = isModelFile(model);
  const name = isFile ? basename(model) : hub.info(model).name;
  const file = isFile ? model : weights;
  const hash = file === undefined ? '' : `${mark}${(await sha256File(file)).slice(0, 16)}`;
  return `${name}${hash}${inputFlags({ size, crop })}`;
}

/**
 * Selects the model of an index, and its size and crop, unless the flags name others.
 *
 * @param isDefault whether `--model` is the default
 * @throws IndexError `ERR_SEMISUP_INDEX_MODEL` if the flags name another model
 */
export async function selectModel<Flags extends RunFlags>(
  flags: Flags,
  isDefault: boolean,
  index: { readonly path: string; readonly model: string | undefined },
): Promise<Flags> {
  const { path, model: identity } = index;
  if (identity === undefined) return flags;
  const { model, size, crop } = parseIdentity(identity);
  const isOfHub = !model.includes(mark);
  const isSelected = isDefault && flags.weights === undefined && isOfHub;
  const selected = {
    ...flags,
    ...(isSelected && { model }),
    size: flags.size ?? size,
    crop: flags.crop ?? crop,
  };
  const name = await identifyModel(selected);
  if (name === identity) return selected;
  throw new IndexError('ERR_SEMISUP_INDEX_MODEL', {
    what: `The index '${abbreviate(path)}' has embeddings of ${abbreviate(identity)}, but the model selected is ${name}.`,
    remedy: isOfHub
      ? `Pass --model ${abbreviate(identity)}, or another index.`
      : 'Pass the file of that model as --model or --weights, with the same --size and --crop, or another index.',
    value: name,
  });
}

function inputFlags({ size, crop }: Pick<RunFlags, 'size' | 'crop'>): string {
  const values = Object.entries({ size, crop }).filter(([, value]) => value !== undefined);
  return values.map(([name, value]) => ` --${name} ${value}`).join('');
}

/** Reads what `identifyModel` returned. A name may contain spaces. */
function parseIdentity(identity: string): Pick<RunFlags, 'model' | 'size' | 'crop'> {
  const [, model = '', size, crop] = /^(.*?)(?: --size (\S+))?(?: --crop (\S+))?$/s.exec(identity)!;
  return {
    model,
    size: size === undefined ? undefined : Number(size),
    crop: crop === undefined ? undefined : Number(crop),
  };
}
