import { LibTorchError } from '../errors';
import { wheels, type Wheel } from './wheels';

/** The LibTorch that this package fetches. Others are used where they lie, if major.minor fits. */
export const pinnedVersion = '2.13.0';

/** The builds of LibTorch that can be fetched: for the CPU alone, or for NVIDIA's GPUs too. */
export const variants = ['cpu', 'cu130'] as const;

/** A build of LibTorch: `cpu`, or `cu130` for CUDA 13.0. */
export type Variant = (typeof variants)[number];

/**
 * The files to fetch for a build; their sizes tell how much that is.
 *
 * @throws LibTorchError `ERR_SEMISUP_PLATFORM` where no file with a known hash exists.
 */
export function wheelsOf(
  variant: Variant,
  platform: string = process.platform,
  arch: string = process.arch,
): readonly Wheel[] {
  const here = `${platform}-${arch}`;
  const found = wheels[here]?.[variant];
  if (found) return found;
  const supported = Object.entries(wheels).map(
    ([name, builds]) => `${name} (${Object.keys(builds).join(', ')})`,
  );
  throw new LibTorchError('ERR_SEMISUP_PLATFORM', {
    what: `LibTorch ${pinnedVersion} ${variant} for ${here} cannot be fetched: that is not yet supported.`,
    remedy: `What can be fetched is ${supported.join(', ')}. Elsewhere set SEMISUP_LIBTORCH to a LibTorch of your own.`,
    value: here,
  });
}
