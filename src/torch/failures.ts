import {
  DeviceError,
  DisposedError,
  ModelError,
  OptionError,
  ScriptError,
  TensorError,
  type SemisupError,
} from '../errors';

/** Makes the typed error for a failure that the binding reports by its code. */
export function failure(code: string, message: string): SemisupError {
  const what = asSentence(message);
  switch (code) {
    case 'ERR_SEMISUP_DISPOSED':
      return new DisposedError(code, { what, todo: 'Keep it for longer, or make it anew.' });
    case 'ERR_SEMISUP_DEVICE_FAILED':
      return new DeviceError(code, { what, todo: `Run 'npx semisup doctor', or use the CPU.` });
    case 'ERR_SEMISUP_DEVICE_LOST':
      return new DeviceError(code, {
        what,
        todo: 'Start the process again; if it comes back, see what nvidia-smi and the system log say.',
      });
    case 'ERR_SEMISUP_DEVICE_MEMORY':
      return new DeviceError(code, {
        what,
        todo: 'Send fewer images at a time, take a smaller precision, or close other models.',
      });
    case 'ERR_SEMISUP_MODEL_FORMAT':
      return new ModelError(code, {
        what,
        todo: 'Pass a TorchScript archive, as torch.jit.save() or hub.exportTorchScript() writes it.',
      });
    case 'ERR_SEMISUP_MODEL_WRITE':
      return new ModelError(code, {
        what,
        todo: 'Check the folder, its rights and its free space.',
      });
    case 'ERR_SEMISUP_OPTION_VALUE':
      return new OptionError(code, { what, todo: 'Correct the value.' });
    case 'ERR_SEMISUP_SCRIPT_ARGUMENT':
      return new ScriptError(code, {
        what,
        todo: "See the module's `methods` for what it takes, and `Value` for how that is written.",
      });
    case 'ERR_SEMISUP_TENSOR':
      return new TensorError(code, { what, todo: 'Check the shape and the dtype.' });
    default:
      return new ScriptError('ERR_SEMISUP_SCRIPT', {
        what,
        todo: 'If it is about shapes or dtypes, compare the inputs with what the module expects.',
      });
  }
}

/** LibTorch's messages end in line breaks or in nothing. */
function asSentence(message: string): string {
  const text = message.trim();
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
