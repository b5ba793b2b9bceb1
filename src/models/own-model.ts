import { invalidValue } from '../options';
import type { Transform } from '../types';
import { resizeInput, type InputOptions } from './input-size';
import { maxClasses, type ModelMetadata } from './metadata';
import { imagenetTransform } from './transform';

/** What the caller states about a model. */
export interface ModelDescription {
  /**
   * The names of the classes, in the order of the model's output, or `'imagenet1k'`; those of the file's
   * metadata by default.
   */
  readonly classes?: readonly string[] | 'imagenet1k';
  /**
   * How images are preprocessed. Omitted values are those of the file's metadata, or else torchvision's
   * defaults: resize 256, crop 224, bilinear, ImageNet's mean and standard deviation.
   */
  readonly transform?: Partial<Transform>;
}

/**
 * The metadata of a TorchScript file together with what the caller states about the model.
 *
 * @param metadata those in the file, if it has any
 * @param name the name of a model without metadata
 * @returns undefined if neither states the classes
 * @throws OptionError if the classes are not names, or contradict the metadata, or if the image would be resized to
 *   more than 4096 pixels
 */
export function describeModel(
  metadata: ModelMetadata | undefined,
  name: string,
  { classes, transform, size, crop }: ModelDescription & InputOptions,
): ModelMetadata | undefined {
  if (classes !== undefined) checkClasses(classes, metadata);
  if (!metadata && classes === undefined) return undefined;
  const numClasses = classes === 'imagenet1k' ? 1000 : (classes?.length ?? metadata!.numClasses);
  return {
    ...(metadata ?? {
      name,
      architecture: null,
      stride: null,
      head: null,
      license: null,
      source: null,
    }),
    numClasses,
    labels: classes ?? metadata!.labels,
    transform: resizeInput(
      { ...imagenetTransform, ...metadata?.transform, ...transform },
      { size, crop },
    ),
  };
}

function checkClasses(
  classes: readonly string[] | 'imagenet1k',
  metadata: ModelMetadata | undefined,
): void {
  const isNames =
    Array.isArray(classes) &&
    classes.length >= 1 &&
    classes.length <= maxClasses &&
    classes.every((label) => typeof label === 'string');
  if (!isNames && classes !== 'imagenet1k') {
    throw invalidValue('classes', `an array of 1 to ${maxClasses} names, or 'imagenet1k'`, classes);
  }
  const count = classes === 'imagenet1k' ? 1000 : classes.length;
  if (metadata && count !== metadata.numClasses) {
    throw invalidValue('classes', `${metadata.numClasses} names, as in the metadata`, classes);
  }
}
