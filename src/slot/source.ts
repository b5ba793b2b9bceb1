import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isUint8Array } from 'node:util/types';
import { Classifier, openModel, pickModelOptions, type Model } from '../classify';
import { ModelError, OptionError } from '../errors';
import { hub } from '../hub';
import { findCard } from '../models';
import { abbreviate, describeThrown, guardGetters, invalidArgument } from '../options';
import { rejectOnAbort } from '../native';
import { ScriptModule } from '../torch';
import { readFingerprint, type Fingerprint } from '../fingerprint';
import type { SlotOptions } from './options';

/** Opens a model, which the slot then owns and closes. Should reject when `signal` is aborted. */
export type ModelOpener = (context: { readonly signal: AbortSignal }) => Promise<Model>;

/**
 * The source of a model: a hub model name or alias; the path, file URL or bytes of a TorchScript file; a
 * function that opens the model. A string that is not a hub name is a path.
 */
export type ModelSource = string | URL | Uint8Array | ModelOpener;

/** A model, and the fingerprint of the file that it was read from. */
export interface LoadedModel {
  readonly model: Model;
  readonly fingerprint?: Fingerprint;
}

/** A source whose kind has been determined. Nothing has been read yet. */
export interface ResolvedSource {
  /** The model's name in the hub, the absolute path, or another description. */
  readonly name: string;
  /** The absolute path, if the source is a file. */
  readonly path?: string;
  load(signal: AbortSignal): Promise<LoadedModel>;
}

/** Determines the kind of a source. @throws OptionError for an unsupported kind */
export function resolveSource(source: ModelSource, options: SlotOptions): ResolvedSource {
  if (typeof source === 'function') return fromFunction(source);
  if (isUint8Array(source)) {
    const name = `a buffer of ${source.length} bytes`;
    return { name, load: async (signal) => ({ model: await open(source, name, options, signal) }) };
  }
  if (isFileUrl(source)) {
    return fromPath(toPath(source), options);
  }
  if (typeof source !== 'string' || source === '') {
    throw invalidArgument(
      'the source of a model',
      'a hub model name, a path, a file URL, bytes or a function',
      source,
    );
  }
  const card = findCard(source);
  return card ? fromHub(card.name, options) : fromPath(resolve(source), options);
}

function fromHub(name: string, options: SlotOptions): ResolvedSource {
  const { hubDir, offline, onProgress } = options;
  const hubOptions = { ...pickModelOptions(options), hubDir, offline, onProgress };
  return {
    name,
    load: async (signal) => ({ model: await hub.load(name, { ...hubOptions, signal }) }),
  };
}

function fromPath(path: string, options: SlotOptions): ResolvedSource {
  const load = async (signal: AbortSignal): Promise<LoadedModel> => {
    const before = await readFingerprint(path);
    const model = await open(path, path, options, signal);
    const after = await readFingerprint(path);
    // A file that was replaced by a rename was read consistently; one that was written to may not have been.
    if (before?.file !== after?.file || before?.content === after?.content) {
      return { model, fingerprint: before };
    }
    await model.close();
    throw new ModelError('ERR_SEMISUP_MODEL_FORMAT', {
      what: `'${path}' was modified while it was read.`,
      remedy: 'Write to a temporary file, then rename it.',
      value: path,
    });
  };
  return { name: path, path, load };
}

/**
 * A function may ignore its signal. After an abort, its model is not waited for, and is closed when the
 * function returns it.
 */
function fromFunction(opener: ModelOpener): ResolvedSource {
  const load = async (signal: AbortSignal): Promise<LoadedModel> => {
    // Awaited, because a function of the caller may return anything.
    const opening = (async () => await opener({ signal }))();
    try {
      const model = await rejectOnAbort(signal, opening);
      if (model instanceof Classifier || model instanceof ScriptModule) return { model };
      throw invalidArgument('the result of the function', 'a Classifier or a ScriptModule', model);
    } catch (error) {
      if (signal.aborted) opening.then((model) => model.close()).catch(() => undefined);
      throw error;
    }
  };
  return { name: nameOfFunction(opener), load };
}

function isFileUrl(source: ModelSource): source is URL {
  return guardGetters(
    'the source of a model',
    source,
    () => source instanceof URL && source.protocol === 'file:',
  );
}

/** The name of a function may have been redefined as anything. */
function nameOfFunction(opener: { readonly name: unknown }): string {
  const name = guardGetters('the source of a model', opener, () => opener.name);
  return typeof name === 'string' && name !== '' ? abbreviate(name) : 'a function';
}

function toPath(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new OptionError('ERR_SEMISUP_OPTION_VALUE', {
      what: `The file URL '${abbreviate(String(url))}' is not a path: ${describeThrown(cause)}.`,
      remedy: 'Create it with pathToFileURL() of node:url, or pass a path.',
      value: url,
      cause,
    });
  }
}

async function open(
  archive: string | Uint8Array,
  name: string,
  options: SlotOptions,
  signal: AbortSignal,
): Promise<Model> {
  const { verify, isolate } = options;
  return await openModel(archive, name, { ...pickModelOptions(options), verify, isolate, signal });
}
