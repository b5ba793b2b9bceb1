import type { Target } from '../target';
import { legacyPth } from './legacy-pth';
import { pictures } from './pictures';
import { safetensors } from './safetensors';
import { tfjs } from './tfjs';
import { torchscript } from './torchscript';
import { zipPth } from './zip-pth';

/** All targets. */
export const targets: readonly Target[] = [
  zipPth,
  legacyPth,
  safetensors,
  tfjs,
  pictures,
  torchscript,
];
