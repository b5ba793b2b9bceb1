import { checkOptionNames, invalidValue } from '../options';

/** Limits on the size of an image and the time to decode it. */
export interface DecodeLimits {
  /**
   * The maximum number of pixels, 89,478,485 by default: the number above which Pillow warns of a
   * decompression bomb.
   */
  readonly pixels?: number;
  /** The maximum size of an encoded file in bytes, 256 MiB by default. */
  readonly bytes?: number;
  /** The maximum time to decode one image in milliseconds, 10,000 by default. */
  readonly milliseconds?: number;
}

const defaults: Required<DecodeLimits> = {
  pixels: 89_478_485,
  bytes: 256 * 2 ** 20,
  milliseconds: 10_000,
};

const limitNames = Object.keys(defaults) as (keyof DecodeLimits)[];

/**
 * Checks limits, and completes them with the defaults.
 *
 * @throws OptionError if a limit is unknown or is not a positive integer
 */
export function completeLimits(limits: DecodeLimits = {}): Required<DecodeLimits> {
  checkOptionNames(limits, limitNames, 'limits');
  const complete = { ...defaults };
  for (const name of limitNames) {
    const limit = limits[name];
    if (limit === undefined) continue;
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw invalidValue(`limits.${name}`, 'a positive integer', limit);
    }
    complete[name] = limit;
  }
  return complete;
}
