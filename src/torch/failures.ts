import {
  DeviceError,
  DisposedError,
  ModelError,
  OptionError,
  ScriptError,
  TensorError,
  type SemisupError,
} from '../errors';

type CodeOf<E extends SemisupError> = E['code'];

/** The codes of the failures that the addon reports. A test compares them with those in binding/. */
export type NativeErrorCode =
  | Extract<CodeOf<OptionError>, 'ERR_SEMISUP_OPTION_VALUE'>
  | Extract<CodeOf<ModelError>, 'ERR_SEMISUP_MODEL_FORMAT' | 'ERR_SEMISUP_MODEL_WRITE'>
  | Exclude<CodeOf<DeviceError>, 'ERR_SEMISUP_DEVICE'>
  | CodeOf<TensorError>
  | CodeOf<ScriptError>
  | CodeOf<DisposedError>;

const factories = {
  ERR_SEMISUP_DISPOSED: (what) =>
    new DisposedError('ERR_SEMISUP_DISPOSED', {
      what,
      remedy: 'Keep it open for longer, or open it again.',
    }),
  ERR_SEMISUP_DEVICE_FAILED: (what) =>
    new DeviceError('ERR_SEMISUP_DEVICE_FAILED', {
      what,
      remedy: `Run 'npx semisup doctor', or use the CPU.`,
    }),
  ERR_SEMISUP_DEVICE_LOST: (what) =>
    new DeviceError('ERR_SEMISUP_DEVICE_LOST', {
      what,
      remedy: 'Start the process again; if it recurs, check nvidia-smi and the system log.',
    }),
  ERR_SEMISUP_DEVICE_MEMORY: (what) =>
    new DeviceError('ERR_SEMISUP_DEVICE_MEMORY', {
      what,
      remedy: 'Send fewer images at a time, use a lower precision, or close other models.',
    }),
  ERR_SEMISUP_MODEL_FORMAT: (what) =>
    new ModelError('ERR_SEMISUP_MODEL_FORMAT', {
      what,
      remedy:
        'Pass a TorchScript archive, as torch.jit.save() or hub.exportTorchScript() writes it.',
    }),
  ERR_SEMISUP_MODEL_WRITE: (what) =>
    new ModelError('ERR_SEMISUP_MODEL_WRITE', {
      what,
      remedy: 'Check the folder, its permissions and its free space.',
    }),
  ERR_SEMISUP_OPTION_VALUE: (what) =>
    new OptionError('ERR_SEMISUP_OPTION_VALUE', { what, remedy: 'Correct the value.' }),
  ERR_SEMISUP_CANCELLED: (what) =>
    new ScriptError('ERR_SEMISUP_CANCELLED', { what, remedy: 'Call the method again.' }),
  ERR_SEMISUP_SCRIPT: (what) =>
    new ScriptError('ERR_SEMISUP_SCRIPT', {
      what,
      remedy: 'If shapes or dtypes are involved, compare the inputs with what the module expects.',
    }),
  ERR_SEMISUP_SCRIPT_ARGUMENT: (what) =>
    new ScriptError('ERR_SEMISUP_SCRIPT_ARGUMENT', {
      what,
      remedy: "See the module's `methods` for its arguments, and `Value` for how to pass them.",
    }),
  ERR_SEMISUP_TENSOR: (what) =>
    new TensorError('ERR_SEMISUP_TENSOR', { what, remedy: 'Check the shape and the dtype.' }),
} as const satisfies Record<NativeErrorCode, (what: string) => SemisupError>;

/** All native error codes. */
export const nativeErrorCodes = Object.keys(factories) as readonly NativeErrorCode[];

/** Makes the typed error for a failure that the addon reports by its code. */
export function failure(code: string, message: string): SemisupError {
  const known = Object.hasOwn(factories, code) ? (code as NativeErrorCode) : 'ERR_SEMISUP_SCRIPT';
  return factories[known](asSentence(message));
}

/** LibTorch's messages end in line breaks or without punctuation. */
function asSentence(message: string): string {
  const text = message.trim();
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
