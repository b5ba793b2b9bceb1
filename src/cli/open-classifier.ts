import { readFile } from 'node:fs/promises';
import { Classifier, pickModelOptions, type ModelOptions } from '../classify';
import { OptionError } from '../errors';
import { hub } from '../hub';
import { withHub, type HubFlags } from './hub-options';
import { offerIfNeeded } from './offer-libtorch';
import { toLoadOptions, type RunFlags } from './run-options';

/** Opens the model that the flags select: one of the hub, or a TorchScript file or a compiled model. */
export async function openClassifier(
  flags: HubFlags & RunFlags & Pick<ModelOptions, 'calibration'>,
): Promise<Classifier> {
  const { model, weights, classes } = flags;
  if (!isModelFile(model)) {
    if (classes !== undefined) throw unusable('--classes', classes, 'a TorchScript file');
    // A model that is compiled in the cache needs no LibTorch.
    return await offerIfNeeded(flags, () =>
      withHub(flags, (options) => hub.load(model, { ...options, ...toLoadOptions(flags) })),
    );
  }
  if (weights !== undefined) throw unusable('--weights', weights, 'a model of the hub');
  const options = pickModelOptions(flags);
  const description = classes === undefined ? {} : { classes: await readClasses(classes) };
  return await offerIfNeeded(flags, () => Classifier.open(model, { ...options, ...description }));
}

/** Whether `--model` names a file rather than a model of the hub. */
export function isModelFile(model: string): boolean {
  return /\.(pt|pth|ts|torchscript|semisup)$|[\\/]/i.test(model);
}

/** One name per line; the last line may be empty. */
async function readClasses(path: string): Promise<string[]> {
  try {
    const lines = (await readFile(path, 'utf8')).split(/\r?\n/);
    return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
  } catch (cause) {
    throw new OptionError('ERR_SEMISUP_OPTION_VALUE', {
      what: `The file ${path} of --classes could not be read: ${(cause as Error).message}.`,
      remedy: 'Pass a text file with one class name per line.',
      value: path,
      cause,
    });
  }
}

function unusable(flag: string, value: string, model: string): OptionError {
  return new OptionError('ERR_SEMISUP_OPTION_VALUE', {
    what: `${flag} applies to ${model} only, but received '${value}' with another --model.`,
    remedy: `Omit ${flag}, or pass ${model} as --model.`,
    value,
  });
}
