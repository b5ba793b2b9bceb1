/** The loader addon, which opens libraries and does not depend on LibTorch. */
export interface Loader {
  /** Opens libraries by absolute path, in order, on a separate thread. */
  open(paths: readonly string[]): Promise<void>;
  openSync(paths: readonly string[]): void;
  /** LibTorch's directory, which all threads of the process share. */
  directory(): ProcessDirectory;
  /** Sets `chosen`; returns false if libraries of another directory are open or being opened. */
  chooseDirectory(dir: string): boolean;
  /**
   * To be called before libraries of `dir` are opened. Returns false if those of another directory are open
   * or being opened; otherwise `releaseDirectory` must be called after the attempt.
   */
  acquireDirectory(dir: string): boolean;
  releaseDirectory(isOpen: boolean): void;
  /** Queries NVIDIA's driver through its libraries, given by name or path. */
  queryGpuDriver(cuda: string, nvml: string): Promise<NativeGpuDriver>;
  queryGpuDriverSync(cuda: string, nvml: string): NativeGpuDriver;
}

/** LibTorch's directory in this process, set by any thread. */
export interface ProcessDirectory {
  /** The directory given to `libtorch.use`. */
  readonly chosen?: string;
  /** The directory whose libraries are open or being opened. */
  readonly current?: string;
}

/** The state of NVIDIA's driver, as the loader reports it. */
export interface NativeGpuDriver {
  /** Why the driver was not found: the system's message. */
  readonly missing?: string;
  /** Why the driver failed: its own message. */
  readonly failure?: string;
  /** The highest supported CUDA version, 1000 * major + 10 * minor; 0 if not reported. */
  readonly cudaVersion: number;
  readonly gpus: readonly {
    readonly name: string;
    readonly major: number;
    readonly minor: number;
    /** In bytes. */
    readonly total: number;
    readonly free?: number;
  }[];
}
