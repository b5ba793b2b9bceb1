import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Conditions } from '../conditions';
import { openScriptModule, type HubOptions } from '../hub';
import { card, cards, metadataFile, parseMetadata } from '../models';
import type { ArchitectureName, ModelMetadata } from '../models';
import { sha256File } from '../net/hash';
import { pick } from '../options';
import { unsupportedModel } from '../teach';
import { ScriptModule } from '../torch';

/** The module that a training starts from, on the CPU. The caller closes it. */
export interface BaseModule {
  readonly module: ScriptModule;
  readonly metadata: ModelMetadata & { readonly architecture: ArchitectureName };
  /** Identifies its weights. */
  readonly identity: Conditions;
}

/**
 * Opens a model of the hub, or a file.
 *
 * @throws ModelError if it is unknown or missing, or has no architecture of the hub
 */
export async function openBaseModule(
  options: Pick<HubOptions, 'hubDir' | 'offline' | 'signal' | 'onProgress'> & {
    readonly model: string;
    readonly weights?: string;
  },
): Promise<BaseModule> {
  const { model, signal } = options;
  const isOfHub = cards.some(({ name, aliases }) => name === model || aliases.includes(model));
  // Throws for a name that is no file either.
  if (!isOfHub && !/\.\w+$|[\\/]/.test(model) && !existsSync(model)) card(model);
  const path = resolve(model);
  const module = isOfHub
    ? await openScriptModule(
        model,
        pick(options, ['hubDir', 'offline', 'signal', 'onProgress', 'weights']),
      )
    : await ScriptModule.load(path, { device: 'cpu', signal });
  try {
    const metadata = readMetadata(module, model);
    const { architecture, name, source } = metadata;
    if (architecture === null) {
      throw unsupportedModel(model, 'does not have an architecture of the hub in its metadata');
    }
    const identity = isOfHub ? { name, ...source } : { sha256: await sha256File(path, signal) };
    return { module, metadata: { ...metadata, architecture }, identity };
  } catch (error) {
    await module.close();
    throw error;
  }
}

function readMetadata(module: ScriptModule, model: string): ModelMetadata {
  const text = module.extraFiles[metadataFile];
  if (text === undefined) throw unsupportedModel(model, 'has no metadata');
  return parseMetadata(text, model);
}
