import { checkNumClasses, type Licence } from '../models';
import { checkOptionNames, checkSignal, invalidValue } from '../options';

/** Progress of a download or build. */
export interface HubProgress {
  /** `download`: a checkpoint is downloaded; `build`: it is converted to TorchScript. */
  readonly phase: 'download' | 'build';
  /** The file that is being written. */
  readonly file: string;
  /** Bytes processed so far. */
  readonly received: number;
  /** Bytes in total, if known. */
  readonly total?: number;
}

/** Options of all that may fetch weights. */
export interface HubOptions {
  /** The cache; by default the directory of Python's `torch.hub`: `$TORCH_HOME/hub`. */
  readonly hubDir?: string;
  /** Fetches and builds again what the cache holds. */
  readonly forceReload?: boolean;
  /** Uses the cache alone; by default whether `SEMISUP_OFFLINE` is set. */
  readonly offline?: boolean;
  /** Called about ten times a second while something is fetched or built. */
  readonly onProgress?: (progress: HubProgress) => void;
  /** Rejects the call with the signal's reason; what has been fetched is kept and resumed. */
  readonly signal?: AbortSignal;
}

/** Options of all that makes TorchScript of weights. */
export interface WeightsOptions extends HubOptions {
  /**
   * A custom checkpoint in place of the model's: `.pth`, `.safetensors` or TF.js shards, with
   * torchvision's parameter names.
   */
  readonly weights?: string;
  /**
   * The number of classes. By default that of the checkpoint; for another the last layer is initialized.
   */
  readonly numClasses?: number;
}

/**
 * Throws `OptionError` unless all options are known and of the right type. `more` are the names that
 * a function knows beyond `HubOptions`.
 */
export function checkHubOptions(
  options: WeightsOptions,
  more: readonly string[],
  where: string,
): void {
  const names = ['hubDir', 'forceReload', 'offline', 'onProgress', 'signal', ...more];
  checkOptionNames(options, names, where);
  const { hubDir, weights, numClasses, onProgress, signal } = options;
  for (const [name, path] of Object.entries({ hubDir, weights })) {
    const isPath = typeof path === 'string' && path !== '';
    if (path !== undefined && !isPath) throw invalidValue(name, 'a path', path);
  }
  for (const name of ['forceReload', 'offline'] as const) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== 'boolean') {
      throw invalidValue(name, 'true or false', value);
    }
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw invalidValue('onProgress', 'a function', onProgress);
  }
  if (numClasses !== undefined) checkNumClasses(numClasses);
  checkSignal(signal);
}

/** A line on what the weights may be used for. */
export function licenceNotice(model: string, { name, url, commercial }: Licence): string {
  const use = commercial ? 'commercial use is allowed' : 'non-commercial use only';
  return `The weights of ${model} are licensed ${name}: ${use} (${url}).`;
}
