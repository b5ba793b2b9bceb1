import {
  DeviceError,
  DisposedError,
  IndexError,
  ModelError,
  OptionError,
  ScriptError,
  TensorError,
  TrainingError,
  type SemisupError,
} from '../errors';

type CodeOf<E extends SemisupError> = E['code'];

/** The codes of the addon's errors. A test compares them with those in binding/. */
export type NativeErrorCode =
  | Extract<CodeOf<OptionError>, 'ERR_SEMISUP_OPTION_VALUE'>
  | Extract<
      CodeOf<ModelError>,
      | 'ERR_SEMISUP_MODEL_FORMAT'
      | 'ERR_SEMISUP_MODEL_NOT_FOUND'
      | 'ERR_SEMISUP_MODEL_PROCESSOR'
      | 'ERR_SEMISUP_MODEL_UNSAFE'
      | 'ERR_SEMISUP_MODEL_WRITE'
    >
  | Exclude<CodeOf<DeviceError>, 'ERR_SEMISUP_DEVICE_UNAVAILABLE'>
  | Extract<CodeOf<IndexError>, 'ERR_SEMISUP_INDEX_FORMAT' | 'ERR_SEMISUP_INDEX_NOT_FOUND'>
  | CodeOf<TensorError>
  | Extract<CodeOf<TrainingError>, 'ERR_SEMISUP_TRAINING_MODULE'>
  | CodeOf<ScriptError>
  | CodeOf<DisposedError>;

const factories = {
  ERR_SEMISUP_DISPOSED: (what) =>
    new DisposedError('ERR_SEMISUP_DISPOSED', {
      what,
      remedy: 'Close it later, or open it again.',
    }),
  ERR_SEMISUP_DEVICE_FAILED: (what) =>
    new DeviceError('ERR_SEMISUP_DEVICE_FAILED', {
      what,
      remedy: `Run 'npx semisup doctor', or use the CPU.`,
    }),
  ERR_SEMISUP_DEVICE_LOST: (what) =>
    new DeviceError('ERR_SEMISUP_DEVICE_LOST', {
      what,
      remedy: 'Restart the process; if it recurs, check nvidia-smi and the system log.',
    }),
  ERR_SEMISUP_DEVICE_MEMORY: (what) =>
    new DeviceError('ERR_SEMISUP_DEVICE_MEMORY', {
      what,
      remedy: 'Use smaller batches or a lower precision, or close other models.',
    }),
  ERR_SEMISUP_INDEX_FORMAT: (what) =>
    new IndexError('ERR_SEMISUP_INDEX_FORMAT', { what, remedy: 'Write the index again.' }),
  ERR_SEMISUP_INDEX_NOT_FOUND: (what) =>
    new IndexError('ERR_SEMISUP_INDEX_NOT_FOUND', {
      what,
      remedy: 'Check the path and the permissions of the file.',
    }),
  ERR_SEMISUP_MODEL_FORMAT: (what) =>
    new ModelError('ERR_SEMISUP_MODEL_FORMAT', {
      what,
      remedy: 'Pass a TorchScript archive written by torch.jit.save() or hub.exportTorchScript().',
    }),
  ERR_SEMISUP_MODEL_NOT_FOUND: (what) =>
    new ModelError('ERR_SEMISUP_MODEL_NOT_FOUND', {
      what,
      remedy: 'Check the path and the permissions of the file.',
    }),
  ERR_SEMISUP_MODEL_PROCESSOR: (what) =>
    new ModelError('ERR_SEMISUP_MODEL_PROCESSOR', {
      what,
      remedy: 'Compile the model for this processor.',
    }),
  ERR_SEMISUP_MODEL_UNSAFE: (what) =>
    new ModelError('ERR_SEMISUP_MODEL_UNSAFE', {
      what,
      remedy:
        'If you trust the author of the file, load it without `verify`; otherwise, do not load it, in Python either.',
    }),
  ERR_SEMISUP_MODEL_WRITE: (what) =>
    new ModelError('ERR_SEMISUP_MODEL_WRITE', {
      what,
      remedy: 'Check the directory, its permissions and its free space.',
    }),
  ERR_SEMISUP_OPTION_VALUE: (what) =>
    new OptionError('ERR_SEMISUP_OPTION_VALUE', { what, remedy: 'Correct the value.' }),
  ERR_SEMISUP_CANCELED: (what) =>
    new ScriptError('ERR_SEMISUP_CANCELED', { what, remedy: 'Call the method again.' }),
  ERR_SEMISUP_TIMEOUT: (what) =>
    new ScriptError('ERR_SEMISUP_TIMEOUT', {
      what,
      remedy:
        'Running native code cannot be stopped: its thread ends with the call. Check the model for endless loops, use smaller inputs, or increase the time limit.',
    }),
  ERR_SEMISUP_SCRIPT: (what) =>
    new ScriptError('ERR_SEMISUP_SCRIPT', {
      what,
      remedy: 'Check the shapes and dtypes of the inputs.',
    }),
  ERR_SEMISUP_SCRIPT_ARGUMENT: (what) =>
    new ScriptError('ERR_SEMISUP_SCRIPT_ARGUMENT', {
      what,
      remedy: "Check the arguments in the module's `methods`, and their types in `ScriptValue`.",
    }),
  ERR_SEMISUP_TRAINING_MODULE: (what) =>
    new TrainingError('ERR_SEMISUP_TRAINING_MODULE', {
      what,
      remedy: 'Change the model in Python, and save it with torch.jit.script.',
    }),
  ERR_SEMISUP_TENSOR: (what) =>
    new TensorError('ERR_SEMISUP_TENSOR', { what, remedy: 'Check the shape and the dtype.' }),
  ERR_SEMISUP_TENSOR_UNSUPPORTED: (what) =>
    new TensorError('ERR_SEMISUP_TENSOR_UNSUPPORTED', {
      what,
      remedy:
        'Convert it in the module: with .dequantize() if it is quantized, .to_dense() if it is sparse, otherwise .to(torch.float32) or .to(torch.complex64).',
    }),
} as const satisfies Record<NativeErrorCode, (what: string) => SemisupError>;

/** All native error codes. */
export const nativeErrorCodes = Object.keys(factories) as readonly NativeErrorCode[];

/** Creates the typed error for an error code of the addon. */
export function createNativeError(code: string, message: string): SemisupError {
  const known = Object.hasOwn(factories, code) ? (code as NativeErrorCode) : 'ERR_SEMISUP_SCRIPT';
  return factories[known](asSentence(message));
}

/** LibTorch's messages may end in line breaks, or lack the final period. */
function asSentence(message: string): string {
  const text = message.trim();
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
