import { ModelError } from '../errors';
import { findClass, type ImageClass, type ModelMetadata } from '../models';
import { invalidValue } from '../options';
import type { CallableModule } from './callable-module';
import type { HeatMapRequest } from './heat-map';
import type { ImagesOptions } from './pipeline';

/** Options of `Classifier.explain`. */
export interface ExplainOptions extends ImagesOptions {
  /**
   * The class to explain: its index, its WordNet id, its label or another of its names. By default the most probable
   * class of each image.
   */
  readonly class?: number | string;
  /**
   * The layer whose output is weighted, by the dotted name of its module, e.g. `'layer3'`. By default the last stage,
   * which is `'layer4'` of the models of the hub. An earlier layer has a finer map, which depends less on the class, and
   * needs a backward pass in TorchScript: a compiled model supports the last stage alone.
   */
  readonly layer?: string;
}

/** The last stage of the models of the hub. */
const lastStage = 'layer4';

/** The longest name of a layer in a message. */
const maxNameLength = 200;

/** @throws OptionError if the class or the layer is invalid */
export function completeExplainOptions(
  { class: selected, layer }: ExplainOptions,
  classes: readonly ImageClass[],
  { architecture }: ModelMetadata,
): HeatMapRequest {
  const isName = typeof layer === 'string' && layer !== '' && layer.length <= maxNameLength;
  if (layer !== undefined && !isName) {
    throw invalidValue('layer', `the dotted name of a module, such as 'layer3',`, layer);
  }
  return {
    index: selected === undefined ? undefined : findClass(classes, selected),
    layer: architecture !== null && layer === lastStage ? undefined : layer,
  };
}

/**
 * @param isReplaceable whether a compiled model replaces the module when a tuning ends: then the calls before that are
 *   like those after it
 * @throws ModelError if the module cannot compute the maps
 */
export function checkExplains(
  module: CallableModule,
  { layer }: HeatMapRequest,
  { name, architecture }: ModelMetadata,
  isReplaceable: boolean,
): void {
  if (layer === undefined) {
    if ('class_maps' in module.methods) return;
    throw new ModelError('ERR_SEMISUP_MODEL_KIND', {
      what: `${name} has no method class_maps(), which explain() calls.`,
      remedy:
        architecture === null
          ? 'Pass the name of a layer as `layer`, or add the method (docs/own-models.md).'
          : 'It was written by an earlier version of semisup: export or compile it again.',
      value: name,
    });
  }
  if (module.gradCam && !isReplaceable) return;
  const state = module.gradCam ? 'becomes one when its tuning ends' : 'is one';
  throw new ModelError('ERR_SEMISUP_MODEL_KIND', {
    what: `A compiled model has no gradients, and ${name} ${state}: it explains its last stage, not '${layer}'.`,
    remedy: `Omit \`layer\`, load the model of the hub with plan: 'untuned', or open its TorchScript file.`,
    value: layer,
  });
}
