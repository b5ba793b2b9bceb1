import type { Transform } from '../types';

/**
 * The transform that the models were evaluated with, and torchvision's default: resize the shorter
 * side to 256 pixels, crop the center 224, normalize with ImageNet's mean and standard deviation.
 */
export const imagenetTransform: Transform = {
  resize: 256,
  crop: 224,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};
