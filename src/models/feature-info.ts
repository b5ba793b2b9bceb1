/** A layer whose output `Classifier.features` returns, in the terms of timm's `feature_info`. */
export interface FeatureInfo {
  /** The name of the layer, e.g. `'layer2'`. In the models of the hub, `'relu'` is the stem, before its max pooling. */
  readonly module: string;
  /** The channels of its output. */
  readonly channels: number;
  /** How many pixels of the input an element of its output stands for in each direction, e.g. 8 for `'layer2'`. */
  readonly reduction: number;
}
