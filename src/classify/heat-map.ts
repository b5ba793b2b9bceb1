import { ModelError } from '../errors';
import type { ImageClass, ModelMetadata } from '../models';
import type { Box } from './crop-box';
import type { Prediction } from './prediction';

/** Which parts of an image raised the logit of a class: the result of `Classifier.explain`. */
export interface HeatMap {
  /** The class that the map explains, and its softmax probability. */
  readonly class: Prediction;
  /**
   * Row-major, [height, width], from 0 to 1: Grad-CAM, i.e. after ReLU, divided by its largest value. All zeros if no
   * position speaks for the class.
   */
  readonly data: Float32Array;
  /** The number of columns, e.g. 7 for the last stage of a ResNet and a crop of 224 pixels. */
  readonly width: number;
  /** The number of rows. */
  readonly height: number;
  /**
   * What the value 1 in `data` stands for, so that maps can be compared. After the last stage it is in logits: what a
   * position adds to the logit of the class. The sum over all positions, before ReLU, plus the bias of the class is the
   * logit.
   */
  readonly max: number;
  /**
   * The rectangle of the image that the map covers, in pixels of the image, not rounded: the center that the
   * transform's resize and crop show to the model. With `orient`, in the image as viewers display it.
   */
  readonly box: Box;
  /** The size of the image in pixels; with `orient`, as viewers display it. */
  readonly image: { readonly width: number; readonly height: number };
}

/** Which heat maps to compute. */
export interface HeatMapRequest {
  /** Undefined for the most probable class of each image. */
  readonly index: number | undefined;
  /** Undefined for the last stage, whose maps need no gradients. */
  readonly layer: string | undefined;
}

/** A map of one image before ReLU, and the logits. */
export interface RawHeatMap {
  readonly logits: Float32Array;
  readonly values: Float32Array;
  readonly width: number;
  readonly height: number;
  readonly index: number;
}

/** Applies ReLU to a map, scales it, and describes it. */
export function toHeatMap(
  { logits, values, width, height, index }: RawHeatMap,
  classes: readonly ImageClass[],
  box: Box,
  image: HeatMap['image'],
): HeatMap {
  const max = values.reduce((most, value) => Math.max(most, value), 0);
  const data = values.map((value) => (max > 0 ? Math.max(value, 0) / max : 0));
  const { wnid, label } = classes[index]!;
  const prediction = { index, wnid, label, score: softmax(logits, index) };
  return { class: prediction, data, width, height, max, box, image };
}

/**
 * Reads a row of `class_maps`: the logits, then the map of each class.
 *
 * @param index that of the class, by default of the largest logit
 * @throws ModelError unless the maps are square
 */
export function readClassMaps(
  row: Float32Array,
  metadata: ModelMetadata,
  index: number | undefined,
): RawHeatMap {
  const { numClasses } = metadata;
  const positions = row.length / numClasses - 1;
  const side = Math.sqrt(positions);
  if (!Number.isInteger(side) || side < 1) throw wrongRow(metadata, row.length);
  const logits = row.subarray(0, numClasses);
  const selected = index ?? indexOfLargest(logits);
  const start = numClasses + selected * positions;
  // The gradient of the mean over positions: Grad-CAM's weights are those of the linear layer, divided by their number.
  const values = row.slice(start, start + positions).map((value) => value / positions);
  return { logits, values, width: side, height: side, index: selected };
}

/** @throws ModelError unless a model, which may be one of the caller's own, returned a map and one logit per class */
export function checkRawHeatMap(
  { logits, values, width, height }: RawHeatMap,
  metadata: ModelMetadata,
): void {
  const isMap = width > 0 && height > 0 && values.length === width * height;
  if (isMap && logits.length === metadata.numClasses) return;
  const { name, numClasses } = metadata;
  throw new ModelError('ERR_SEMISUP_MODEL_FORMAT', {
    what: `${name} returned ${logits.length} logits and a map of ${values.length} values for one image and ${numClasses} classes.`,
    remedy: 'Change what the forward method returns: one row per image.',
    value: name,
  });
}

export function indexOfLargest(values: Float32Array): number {
  return values.reduce((best, value, i) => (value > values[best]! ? i : best), 0);
}

function softmax(logits: Float32Array, index: number): number {
  const largest = logits[indexOfLargest(logits)]!;
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - largest), 0);
  return Math.exp(logits[index]! - largest) / sum;
}

function wrongRow({ name, numClasses }: ModelMetadata, length: number): ModelError {
  return new ModelError('ERR_SEMISUP_MODEL_FORMAT', {
    what: `class_maps() of ${name} returned rows of ${length} values, but for its ${numClasses} classes it must return its logits, followed by a square map of each class.`,
    remedy: 'Change what the method returns (docs/own-models.md).',
    value: name,
  });
}
