import type { Transform } from '../../types';
import type { ArchitectureName } from '../resnet';
import type { CheckpointOrigin } from '../checkpoint-origin';

/** The license of a model's weights. */
export interface License {
  /** As it is usually written, e.g. `CC-BY-NC 4.0`. */
  readonly name: string;
  readonly url: string;
  /** Whether it allows commercial use. */
  readonly commercial: boolean;
}

/** Accuracy on ImageNet-1k's validation set, in percent. */
export interface Accuracy {
  readonly top1: number;
  readonly top5: number;
}

/** Top-1 accuracy on other test sets, in percent, as timm measured it. */
export interface Robustness {
  /** ImageNet-ReaL: the validation set with corrected labels. */
  readonly real: number;
  /** ImageNet-V2, matched frequency: a newly collected validation set. */
  readonly v2: number;
  /** ImageNet-A: natural images that networks misclassify. */
  readonly a: number;
  /** ImageNet-R: renditions, such as paintings and toys. */
  readonly r: number;
  /** ImageNet-Sketch: drawings. */
  readonly sketch: number;
}

/** The description of a model. */
export interface ModelCard {
  /** The name, e.g. `resnet50_swsl`. */
  readonly name: string;
  /** Other names that are accepted: timm's. */
  readonly aliases: readonly string[];
  /** A readable title, e.g. `ResNet-50, semi-weakly supervised`. */
  readonly title: string;
  readonly architecture: ArchitectureName;
  readonly parameters: number;
  /** Billions of multiply-adds for one image of 224 x 224. */
  readonly gmacs: number;
  readonly accuracy: {
    /** As its authors published it. */
    readonly claimed: Accuracy;
    /** As timm measured it with the published checkpoint: 224 pixels, crop 0.875, bilinear. */
    readonly measured?: Accuracy;
  };
  readonly robustness?: Robustness;
  /** The training data, as a sentence. */
  readonly training: string;
  readonly paper: { readonly title: string; readonly url: string };
  readonly license: License;
  /** When to choose this model or another. */
  readonly choice: string;
  /** A caveat. */
  readonly note?: string;
  readonly transform: Transform;
  readonly origin: CheckpointOrigin;
}
