import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isUint8Array } from 'node:util/types';
import { Classifier, openModel, pickModelOptions, type Model } from '../classify';
import { ModelError } from '../errors';
import { hub } from '../hub';
import { cards } from '../models';
import { invalidValue } from '../options';
import { ScriptModule, whenAborted } from '../torch';
import { fingerprintOf, type Fingerprint } from './fingerprint';
import type { SlotOptions } from './options';

/** Makes a model; the slot owns it and closes it. Give up when `signal` is aborted. */
export type ModelOpener = (context: { readonly signal: AbortSignal }) => Promise<Model>;

/**
 * Where a model comes from: a name of the hub, or else a path; a file URL or the bytes of TorchScript;
 * a function that makes it.
 */
export type ModelSource = string | URL | Uint8Array | ModelOpener;

/** A model, and the state of the file that it was read from. */
export interface Loaded {
  readonly model: Model;
  readonly fingerprint?: Fingerprint;
}

/** A source, its kind told; nothing has been looked at yet. */
export interface Source {
  /** The hub's name of the model, the absolute path, or what else tells it from others. */
  readonly name: string;
  /** Absolute, where it is a file. */
  readonly path?: string;
  load(signal: AbortSignal): Promise<Loaded>;
}

/** Tells the kinds of sources apart. @throws OptionError if it is none of them */
export function toSource(source: ModelSource, options: SlotOptions): Source {
  if (typeof source === 'function') return fromFunction(source);
  if (isUint8Array(source)) {
    const name = `a buffer of ${source.length} bytes`;
    return { name, load: async (signal) => ({ model: await open(source, name, options, signal) }) };
  }
  if (source instanceof URL && source.protocol === 'file:') {
    return fromPath(fileURLToPath(source), options);
  }
  if (typeof source !== 'string' || source === '') {
    throw invalidValue(
      'the source of a model',
      'a name of the hub, a path, a file URL, bytes, or a function',
      source,
    );
  }
  const card = cards.find(({ name, aliases }) => name === source || aliases.includes(source));
  return card ? fromHub(card.name, options) : fromPath(resolve(source), options);
}

function fromHub(name: string, options: SlotOptions): Source {
  return {
    name,
    load: async (signal) => ({ model: await hub.load(name, { ...options, signal }) }),
  };
}

function fromPath(path: string, options: SlotOptions): Source {
  const load = async (signal: AbortSignal): Promise<Loaded> => {
    const before = await fingerprintOf(path);
    const model = await open(path, path, options, signal);
    const after = await fingerprintOf(path);
    // A file that was renamed meanwhile was read whole; one that was written to, perhaps in halves.
    if (before?.file !== after?.file || before?.content === after?.content) {
      return { model, fingerprint: before };
    }
    await model.close();
    throw new ModelError('ERR_SEMISUP_MODEL_FORMAT', {
      what: `'${path}' was written to while it was read.`,
      remedy: 'Write to another file and rename that.',
      value: path,
    });
  };
  return { name: path, path, load };
}

/** A function may not heed its signal: what comes of it then is closed, and not waited for. */
function fromFunction(make: ModelOpener): Source {
  const load = async (signal: AbortSignal): Promise<Loaded> => {
    const making = make({ signal });
    try {
      const model = await whenAborted(signal, making);
      if (model instanceof Classifier || model instanceof ScriptModule) return { model };
      throw invalidValue("a function's model", 'a Classifier or a ScriptModule', model);
    } catch (error) {
      if (signal.aborted) making.then((model) => model.close()).catch(() => undefined);
      throw error;
    }
  };
  return { name: make.name || 'a function', load };
}

async function open(
  archive: string | Uint8Array,
  name: string,
  options: SlotOptions,
  signal: AbortSignal,
): Promise<Model> {
  return await openModel(archive, name, { ...pickModelOptions(options), signal });
}
