import { checkNumClasses, type License } from '../models';
import { checkOptionNames, checkPath, checkSignal, invalidValue } from '../options';

/** Progress of a download or build. */
export interface HubProgress {
  /** `download`: a checkpoint is downloaded; `build`: it is converted to TorchScript. */
  readonly phase: 'download' | 'build';
  /** The file that is being written, or the name of a model that is built in memory. */
  readonly file: string;
  /** Bytes processed so far. */
  readonly received: number;
  /** Bytes in total, if known. */
  readonly total?: number;
}

/** Options of functions that may download weights. */
export interface HubOptions {
  /** The cache; by default the directory of Python's `torch.hub`: `$TORCH_HOME/hub`. */
  readonly hubDir?: string;
  /** Downloads and builds again, ignoring the cache. */
  readonly forceReload?: boolean;
  /** Uses only the cache; by default whether `SEMISUP_OFFLINE` is set. */
  readonly offline?: boolean;
  /** Called at most about ten times a second during a download, and after each tensor of a build. */
  readonly onProgress?: (progress: HubProgress) => void;
  /**
   * When aborted, the promise is rejected with the signal's reason. Bytes already downloaded are kept, and the
   * next call resumes the download.
   */
  readonly signal?: AbortSignal;
}

/** Options of functions that convert weights to TorchScript. */
export interface WeightsOptions extends HubOptions {
  /**
   * A custom checkpoint instead of the model's: `.pth`, `.safetensors` or TF.js shards, with
   * torchvision's parameter names after any common prefix. It may be a training checkpoint; of several state
   * dicts in it, EMA weights are preferred, then `state_dict`, then `model`.
   */
  readonly weights?: string;
  /**
   * The number of classes; by default the checkpoint's. For any other but 1000, the last layer is initialized
   * randomly, which emits the warning `SEMISUP_RANDOM_HEAD` and sets `metadata.head` to `'random'`.
   */
  readonly numClasses?: number;
}

/**
 * Throws `OptionError` unless all options are known and of the right type. `more` are the options that
 * a function accepts beyond `HubOptions`.
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
    if (path !== undefined) checkPath(name, path);
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

/** A one-line notice of the license of a model's weights. */
export function licenseNotice(model: string, { name, url, commercial }: License): string {
  const use = commercial ? 'commercial use is allowed' : 'non-commercial use only';
  return `The weights of ${model} are under the ${name} license: ${use} (${url}).`;
}
