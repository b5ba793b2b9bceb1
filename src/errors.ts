/** The details of an error. */
export interface ErrorDetails {
  /** What happened and to which file or value, as a full sentence. */
  what: string;
  /** What the user can do about it, as one or more full sentences. */
  remedy: string;
  /** The offending value: a path, an option's value, a name. */
  value?: unknown;
  /** The underlying error, if any. */
  cause?: unknown;
}

/**
 * The base of all errors that this package throws on purpose. `message` says what happened and what
 * to do; `code` is stable across releases, so that you can switch on it.
 */
export abstract class SemisupError<Code extends string = string> extends Error {
  /** Stable identifier, `ERR_SEMISUP_…`. */
  readonly code: Code;
  /** What happened, to which file or value: the first part of `message`. */
  readonly what: string;
  /** What can be done about it: the second part of `message`. */
  readonly remedy: string;
  /** The offending value: a path, an option's value, a name. */
  readonly value: unknown;
  /** The position of the image that failed in the array of a call; undefined for other errors. */
  index: number | undefined;

  constructor(code: Code, { what, remedy, value, cause }: ErrorDetails) {
    super(
      `${what}${what.endsWith('\n') ? '' : ' '}${remedy}`,
      cause === undefined ? undefined : { cause },
    );
    this.name = new.target.name;
    this.code = code;
    this.what = what;
    this.remedy = remedy;
    this.value = value;
  }
}

/** An option or argument is unknown, of the wrong type or out of range. */
export class OptionError extends SemisupError<
  'ERR_SEMISUP_OPTION_UNKNOWN' | 'ERR_SEMISUP_OPTION_VALUE'
> {}

/**
 * LibTorch could not be found, installed or loaded, or its version is incompatible; or the addon is missing,
 * or the platform is not supported.
 */
export class LibTorchError extends SemisupError<
  | 'ERR_SEMISUP_LIBTORCH_NOT_FOUND'
  | 'ERR_SEMISUP_LIBTORCH_MISMATCH'
  | 'ERR_SEMISUP_LIBTORCH_OPEN'
  | 'ERR_SEMISUP_LIBTORCH_LOADED'
  | 'ERR_SEMISUP_LIBTORCH_INSTALL'
  | 'ERR_SEMISUP_ADDON_NOT_FOUND'
  | 'ERR_SEMISUP_PLATFORM'
> {}

/** A file could not be downloaded, or its content differs from what was expected. */
export class DownloadError extends SemisupError<
  | 'ERR_SEMISUP_DOWNLOAD_HTTP'
  | 'ERR_SEMISUP_DOWNLOAD_NETWORK'
  | 'ERR_SEMISUP_DOWNLOAD_TRUNCATED'
  | 'ERR_SEMISUP_DOWNLOAD_SIZE'
  | 'ERR_SEMISUP_DOWNLOAD_HASH'
  | 'ERR_SEMISUP_DOWNLOAD_DISK'
  | 'ERR_SEMISUP_DOWNLOAD_OFFLINE'
> {}

/**
 * Another process took over a lock that this process held, because this process had not refreshed it for
 * 30 seconds.
 */
export class LockError extends SemisupError<'ERR_SEMISUP_LOCK_LOST'> {}

/**
 * Another user owns, or can write, the cache or a directory above it, and so could have put any program there: it
 * is not used.
 */
export class CacheError extends SemisupError<'ERR_SEMISUP_CACHE_UNSAFE'> {}

/** A checkpoint is missing, damaged, unsafe, ambiguous, or for another architecture. */
export class CheckpointError extends SemisupError<
  | 'ERR_SEMISUP_CHECKPOINT_NOT_FOUND'
  | 'ERR_SEMISUP_CHECKPOINT_FORMAT'
  | 'ERR_SEMISUP_CHECKPOINT_TRUNCATED'
  | 'ERR_SEMISUP_CHECKPOINT_UNSAFE'
  | 'ERR_SEMISUP_CHECKPOINT_MISMATCH'
> {}

/** An image is missing, damaged, too large, of an unsupported format, or took too long to decode. */
export class ImageError extends SemisupError<
  | 'ERR_SEMISUP_IMAGE_NOT_FOUND'
  | 'ERR_SEMISUP_IMAGE_FORMAT'
  | 'ERR_SEMISUP_IMAGE_DECODE'
  | 'ERR_SEMISUP_IMAGE_TOO_LARGE'
  | 'ERR_SEMISUP_IMAGE_TIMEOUT'
> {}

/**
 * A dataset is missing, empty or damaged, names an image twice, has labels that name no class of the model, or is not
 * fit to learn from: it has too few classes or images, or identical images of different classes.
 */
export class DatasetError extends SemisupError<
  | 'ERR_SEMISUP_DATASET_NOT_FOUND'
  | 'ERR_SEMISUP_DATASET_EMPTY'
  | 'ERR_SEMISUP_DATASET_FORMAT'
  | 'ERR_SEMISUP_DATASET_TRUNCATED'
  | 'ERR_SEMISUP_DATASET_DUPLICATE'
  | 'ERR_SEMISUP_DATASET_LABEL'
  | 'ERR_SEMISUP_DATASET_CLASSES'
  | 'ERR_SEMISUP_DATASET_CONTRADICTION'
> {}

/** The file with the results of an evaluation cannot be used, or a model is less accurate than required. */
export class EvaluationError extends SemisupError<
  'ERR_SEMISUP_EVALUATION_RESULTS' | 'ERR_SEMISUP_EVALUATION_ACCURACY'
> {}

/**
 * A file of embeddings exists, cannot be written, or is unfinished and of another model; or a package that writes its
 * format is missing.
 */
export class EmbeddingsError extends SemisupError<
  | 'ERR_SEMISUP_EMBEDDINGS_EXIST'
  | 'ERR_SEMISUP_EMBEDDINGS_CONDITIONS'
  | 'ERR_SEMISUP_EMBEDDINGS_WRITE'
  | 'ERR_SEMISUP_EMBEDDINGS_PACKAGE'
> {}

/**
 * A training diverged, its module cannot be trained, or the files of its run belong to another one, are damaged or cannot
 * be written.
 */
export class TrainingError extends SemisupError<
  | 'ERR_SEMISUP_TRAINING_DIVERGED'
  | 'ERR_SEMISUP_TRAINING_MODULE'
  | 'ERR_SEMISUP_TRAINING_RUN'
  | 'ERR_SEMISUP_TRAINING_SCORES'
  | 'ERR_SEMISUP_TRAINING_WRITE'
> {}

/** Node's permission model (`--permission`) denied what is necessary; the message names the flag that allows it. */
export class PermissionError extends SemisupError<'ERR_SEMISUP_PERMISSION'> {}

/** A package that decodes images, or its native addon for this platform, is missing or cannot be loaded. */
export class DecoderError extends SemisupError<'ERR_SEMISUP_DECODER_NOT_FOUND'> {}

/**
 * A model name is unknown; a model file is missing, is neither TorchScript nor a compiled model, is refused by
 * `verify`, was compiled for another processor or cannot be written; or a model does not support the requested operation.
 */
export class ModelError extends SemisupError<
  | 'ERR_SEMISUP_MODEL_UNKNOWN'
  | 'ERR_SEMISUP_MODEL_NOT_FOUND'
  | 'ERR_SEMISUP_MODEL_FORMAT'
  | 'ERR_SEMISUP_MODEL_UNSAFE'
  | 'ERR_SEMISUP_MODEL_WRITE'
  | 'ERR_SEMISUP_MODEL_PROCESSOR'
  | 'ERR_SEMISUP_MODEL_KIND'
> {}

/**
 * The file of an image index is missing, damaged or cannot be written; or the index holds embeddings of another
 * model.
 */
export class IndexError extends SemisupError<
  | 'ERR_SEMISUP_INDEX_NOT_FOUND'
  | 'ERR_SEMISUP_INDEX_FORMAT'
  | 'ERR_SEMISUP_INDEX_WRITE'
  | 'ERR_SEMISUP_INDEX_MODEL'
> {}

/**
 * A tensor's shape, dtype or data do not match each other or the operation, or a module's tensor has a dtype
 * or layout without a JavaScript equivalent.
 */
export class TensorError extends SemisupError<
  'ERR_SEMISUP_TENSOR' | 'ERR_SEMISUP_TENSOR_UNSUPPORTED'
> {}

/** A device is not available, failed, or has too little memory. */
export class DeviceError extends SemisupError<
  | 'ERR_SEMISUP_DEVICE_UNAVAILABLE'
  | 'ERR_SEMISUP_DEVICE_FAILED'
  | 'ERR_SEMISUP_DEVICE_LOST'
  | 'ERR_SEMISUP_DEVICE_MEMORY'
> {}

/**
 * TorchScript raised an exception, whose traceback is in the message; a method was called with arguments
 * that it does not accept; a call exceeded its time limit; or a call was canceled while it was queued. Abort a
 * call's signal to cancel it: the call then rejects with `signal.reason`, rather than with `ERR_SEMISUP_CANCELED`.
 */
export class ScriptError extends SemisupError<
  | 'ERR_SEMISUP_SCRIPT'
  | 'ERR_SEMISUP_SCRIPT_ARGUMENT'
  | 'ERR_SEMISUP_TIMEOUT'
  | 'ERR_SEMISUP_CANCELED'
> {}

/** The process of an isolated model ended unexpectedly, could not be started, or exceeded its memory limit. */
export class IsolationError extends SemisupError<
  'ERR_SEMISUP_ISOLATED_EXIT' | 'ERR_SEMISUP_ISOLATED_MEMORY'
> {}

/** A model has too many pending calls. */
export class BusyError extends SemisupError<'ERR_SEMISUP_BUSY'> {}

/** A swap failed; `code` names the stage or the reason. The previous model stays active. */
export class SwapError extends SemisupError<
  | 'ERR_SEMISUP_SWAP_LOAD'
  | 'ERR_SEMISUP_SWAP_WARMUP'
  | 'ERR_SEMISUP_SWAP_CHECK'
  | 'ERR_SEMISUP_SWAP_TIMEOUT'
  | 'ERR_SEMISUP_SWAP_SUPERSEDED'
> {}

/** Something was used after `dispose()` or `close()`. */
export class DisposedError extends SemisupError<'ERR_SEMISUP_DISPOSED'> {}
