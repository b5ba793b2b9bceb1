import type { Transform } from '../types';

/**
 * How the twelve models were measured, and what torchvision does by default: the shorter side to
 * 256 pixels, the centre 224, ImageNet's mean and standard deviation of R, G, B.
 */
export const imagenetTransform: Transform = {
  resize: 256,
  crop: 224,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};
