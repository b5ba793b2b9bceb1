import { ModelError, type OptionError } from '../errors';
import type { FeatureInfo, ModelMetadata } from '../models';
import { invalidValue, nearest } from '../options';
import type { CallableModule } from './callable-module';
import type { ImagesOptions } from './pipeline';

/** Options of `Classifier.features`. */
export interface FeaturesOptions extends ImagesOptions {
  /** The layers, by their `module` in `featureInfo`, e.g. `['layer2', 'layer4']`; by default all, in that order. */
  readonly layers?: readonly string[];
}

/** The number of layers that a message lists. */
const maxListed = 20;

/**
 * Returns the indices of layers in `info`.
 *
 * @throws OptionError unless `layers` is an array of one or more different layers of `info`
 */
export function indicesOfLayers(
  layers: readonly string[] | undefined,
  info: readonly FeatureInfo[],
): readonly number[] {
  if (layers === undefined) return info.map((_, index) => index);
  const names = info.map(({ module }) => module);
  if (!Array.isArray(layers) || layers.length === 0) {
    throw invalidValue('layers', 'an array of names in featureInfo', layers);
  }
  const list = Array.from(layers as readonly string[]);
  for (const layer of list) if (!names.includes(layer)) throw unknownLayer(layer, names);
  if (new Set(list).size < list.length) {
    throw invalidValue('layers', 'different layers', list);
  }
  return list.map((layer) => names.indexOf(layer));
}

/** @throws ModelError if the module has no feature pyramid */
export function checkHasFeatures(
  module: CallableModule,
  info: readonly FeatureInfo[],
  { name, architecture }: ModelMetadata,
): void {
  const hasMethod = 'pyramid' in module.methods;
  if (hasMethod && info.length > 0) return;
  const missing = hasMethod ? 'metadata `featureInfo`' : 'method pyramid()';
  throw new ModelError('ERR_SEMISUP_MODEL_KIND', {
    what: `${name} has no ${missing}, which features() needs.`,
    remedy:
      architecture === null
        ? 'Add them to the model (docs/own-models.md).'
        : 'It was written by an earlier version of semisup: export or compile it again.',
    value: name,
  });
}

function unknownLayer(layer: unknown, names: readonly string[]): OptionError {
  const guess = typeof layer === 'string' ? nearest(layer, names) : undefined;
  const listed = names.slice(0, maxListed).map((name) => `'${name}'`);
  return invalidValue(
    'an element of layers',
    `one of ${listed.join(', ')}`,
    layer,
    guess === undefined ? 'Pass names in featureInfo.' : `Did you mean '${guess}'?`,
  );
}
