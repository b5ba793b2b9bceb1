import { OptionError } from '../errors';

/**
 * Carries the addon's error about a layer out of a batch: an `OptionError` would count as that of the image, and be
 * returned in place of its result with `onError: 'return'`.
 */
export class LayerFailure extends Error {
  constructor(readonly reason: OptionError) {
    super(reason.message);
  }

  /** The error for the caller. */
  toOptionError(): OptionError {
    const { what, value } = this.reason;
    return new OptionError('ERR_SEMISUP_OPTION_VALUE', {
      what,
      remedy:
        'Pass one of the layers that the model calls as `layer`, or omit it for the last stage.',
      value,
      cause: this.reason,
    });
  }
}
