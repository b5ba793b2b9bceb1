import { toPrintable } from '../checkpoint/errors';
import type { Checkpoint } from '../checkpoint';
import { declaredArchitecture, declaresStride, type SelectedState } from '../convert';
import { type ModelCard, type ModelMetadata } from '../models';

/** What a user should know about weights that were loaded, although nothing failed. */
export interface WeightsWarning {
  readonly code:
    'SEMISUP_RANDOM_HEAD' | 'SEMISUP_STATE_DICT' | 'SEMISUP_ARCHITECTURE' | 'SEMISUP_STRIDE';
  readonly message: string;
}

/**
 * The warnings for a model built from a checkpoint.
 *
 * @param isKnown whether the file is the checkpoint of a card, whose stride is known
 */
export function weightsWarnings(
  checkpoint: Checkpoint,
  selected: SelectedState,
  { architecture, head, numClasses, stride }: ModelMetadata,
  isKnown: boolean,
): WeightsWarning[] {
  const { path } = checkpoint;
  const warnings: WeightsWarning[] = [];
  if (head === 'random') {
    warnings.push({
      code: 'SEMISUP_RANDOM_HEAD',
      message: `The last layer was initialized randomly for ${numClasses} classes, because the checkpoint '${path}' has none of this size: its predictions are meaningless until it is trained (embeddings are not affected).`,
    });
  }
  const { key, prefix, alternatives } = selected;
  if (alternatives.length > 0) {
    const used = toPrintable([key, prefix.replace(/[./]$/, '')].filter(Boolean).join('.'));
    const others = alternatives.slice(0, 8).map((name) => `'${name}'`);
    warnings.push({
      code: 'SEMISUP_STATE_DICT',
      message: `The checkpoint '${path}' contains several sets of weights; '${used}' was used rather than ${others.join(', ')}. To use another, save only that one.`,
    });
  }
  const declared = declaredArchitecture(checkpoint);
  if (declared !== undefined && declared.architecture === undefined) {
    warnings.push({
      code: 'SEMISUP_ARCHITECTURE',
      message: `The checkpoint '${path}' says that its architecture is '${toPrintable(declared.name)}', which is unknown; it was loaded as ${architecture}, whose tensors have the same names and shapes.`,
    });
  }
  const other = architecture === null ? undefined : strideTwin[architecture];
  // Keras's names imply its stride.
  const isKeras = selected.tensors.has('conv1/kernel');
  if (other !== undefined && !isKnown && !isKeras && !declaresStride(checkpoint)) {
    warnings.push({
      code: 'SEMISUP_STRIDE',
      message: `The checkpoint '${path}' does not say which convolution of its bottlenecks has the stride; it was loaded as ${architecture}, with the stride of ${stride}. If it was trained ${other}: otherwise its predictions are wrong. To confirm the architecture, save it under the key 'arch' next to 'state_dict', or in the metadata of safetensors.`,
    });
  }
  return warnings;
}

/** Architectures that differ from another one in the stride only, with how to recognize and load that one. */
const strideTwin: Partial<Record<ModelCard['architecture'], string>> = {
  resnet50:
    "with v1's (Keras, Caffe, or fine-tuned from resnet50_baseline), load it as resnet50_baseline",
  resnet50_v1: "with v1.5's (torchvision, timm), load it as resnet50_swsl",
};
