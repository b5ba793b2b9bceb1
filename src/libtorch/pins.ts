import { LibTorchError } from '../errors';
import { wheels, type Wheel } from './wheels';

/** The LibTorch version that this package installs. */
export const pinnedVersion = '2.13.0';

/** The builds of LibTorch that can be installed: CPU-only, or with CUDA. */
export const variants = ['cpu', 'cu130'] as const;

/** A build of LibTorch: `cpu`, or `cu130` for CUDA 13.0. */
export type Variant = (typeof variants)[number];

/**
 * The wheels of a build.
 *
 * @throws LibTorchError `ERR_SEMISUP_PLATFORM` if no wheel is pinned for the platform.
 */
export function wheelsOf(
  variant: Variant,
  platform: string = process.platform,
  arch: string = process.arch,
): readonly Wheel[] {
  const target = `${platform}-${arch}`;
  const found = wheels[target]?.[variant];
  if (found) return found;
  const supported = Object.entries(wheels).map(
    ([name, builds]) => `${name} (${Object.keys(builds).join(', ')})`,
  );
  throw new LibTorchError('ERR_SEMISUP_PLATFORM', {
    what: `LibTorch ${pinnedVersion} ${variant} for ${target} is not available for installation.`,
    remedy: `Supported are ${supported.join(', ')}. On other platforms, set SEMISUP_LIBTORCH to a LibTorch installation.`,
    value: target,
  });
}

/** The bytes to download for a build; undefined if no wheel is pinned for this platform. */
export function downloadSize(variant: Variant): number | undefined {
  try {
    return wheelsOf(variant).reduce((bytes, { size }) => bytes + size, 0);
  } catch {
    return undefined;
  }
}
