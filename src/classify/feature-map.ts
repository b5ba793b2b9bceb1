import { ModelError } from '../errors';
import type { FeatureInfo, ModelMetadata } from '../models';
import type { Tensor } from '../native';

/** The output of a layer for an image: one level of a feature pyramid. */
export interface FeatureMap {
  /** The layer, as in `featureInfo`. */
  readonly layer: string;
  /** Row-major, [channels, height, width]. */
  readonly data: Float32Array;
  readonly channels: number;
  /** The number of rows, e.g. 28 for `'layer2'` and a crop of 224 pixels. */
  readonly height: number;
  /** The number of columns. */
  readonly width: number;
}

/**
 * Copies the output of a layer for each image of a batch.
 *
 * @throws ModelError unless it has the shape [n, channels, height, width]
 */
export async function readFeatureMaps(
  output: Tensor<'float32'>,
  { module: layer, channels }: FeatureInfo,
  { name }: ModelMetadata,
): Promise<FeatureMap[]> {
  const { shape } = output;
  const [images = 0, actualChannels, height = 0, width = 0] = shape;
  if (shape.length !== 4 || actualChannels !== channels) {
    throw new ModelError('ERR_SEMISUP_MODEL_FORMAT', {
      what: `pyramid() of ${name} returned a tensor of shape [${shape.join(', ')}] for '${layer}', which has ${channels} channels.`,
      remedy: 'Change what the method returns, or the metadata `featureInfo` (docs/own-models.md).',
      value: name,
    });
  }
  const data = await output.data();
  const size = channels * height * width;
  return Array.from({ length: images }, (_, image) => ({
    ...{ layer, channels, height, width },
    data: data.slice(image * size, (image + 1) * size),
  }));
}
