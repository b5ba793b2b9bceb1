import { OptionError } from '../errors';

/** Says in an error of the addon how to pass a layer. Others stay as they are. */
export function describeLayerError(error: unknown): unknown {
  if (!(error instanceof OptionError)) return error;
  return new OptionError('ERR_SEMISUP_OPTION_VALUE', {
    what: error.what,
    remedy:
      'Pass one of the layers that the model calls as `layer`, or omit it for the last stage.',
    value: error.value,
    cause: error,
  });
}
