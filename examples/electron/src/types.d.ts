// What the three processes say to each other: the renderer (renderer/), the main process, and the engine, a utility
// process that runs the model (engine/).

/** A photo that the user has opened. The renderer knows its id, not its path. */
export interface Photo {
  readonly id: string;
  readonly name: string;
}

/** An image for the engine: a path, or the bytes of a file, for example from the clipboard. */
export type PhotoSource = string | Uint8Array;

export interface Prediction {
  readonly label: string;
  /** 0 to 1. */
  readonly score: number;
}

export interface Classification {
  readonly predictions: readonly Prediction[];
  /** The model that computed them. */
  readonly model: string;
  readonly milliseconds: number;
}

export interface Neighbor {
  readonly id: string;
  /** Cosine similarity, -1 to 1. */
  readonly similarity: number;
}

export interface ModelSummary {
  readonly name: string;
  readonly title: string;
  readonly choice: string;
  /** Percent, on ImageNet-1k's validation set. */
  readonly top1: number;
  readonly parameters: number;
  readonly license: string;
  readonly commercial: boolean;
}

export interface Progress {
  /** What is done, e.g. `Downloading`. */
  readonly phase: string;
  readonly received: number;
  readonly total?: number;
}

export interface Failure {
  readonly message: string;
  /** What the user can do about it. */
  readonly remedy?: string;
  readonly code?: string;
}

export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Failure };

/** Everything that the renderer shows about the engine. */
export interface State {
  readonly engine: 'starting' | 'running' | 'restarting' | 'failed';
  /** LibTorch, which may have to be installed first. */
  readonly libtorch: {
    readonly status: 'unknown' | 'missing' | 'installing' | 'found';
    readonly progress?: Progress;
    readonly error?: Failure;
  };
  /** The active model's name. */
  readonly model?: string;
  /** The model that is being loaded, while the active one keeps working. */
  readonly loading?: { readonly model: string; readonly progress?: Progress };
  /** Why the last model could not be loaded. */
  readonly loadError?: { readonly model: string; readonly error: Failure };
  /** The searchable folder. */
  readonly index?: {
    readonly model: string;
    readonly done: number;
    readonly total: number;
    /** Files that could not be read. */
    readonly skipped: number;
    readonly running: boolean;
    readonly error?: Failure;
  };
}

/** The functions of the engine that the main process calls. */
export interface EngineApi {
  models(): readonly ModelSummary[];
  installLibTorch(): void;
  cancelInstall(): void;
  useModel(name: string): void;
  cancelModel(): void;
  classify(photo: PhotoSource): Promise<Classification>;
  index(folder: IndexedFolder): void;
  cancelIndex(): void;
  /** The indexed photos that are most similar to a photo, best first. */
  neighbors(photo: { readonly id: string; readonly source: PhotoSource }): Promise<Neighbor[]>;
}

/** A folder for the engine. */
export interface IndexedFolder {
  readonly path: string;
  readonly photos: readonly { readonly id: string; readonly path: string }[];
}

export interface EngineRequest {
  readonly id: number;
  readonly method: keyof EngineApi;
  readonly args: readonly unknown[];
}

export type EngineMessage =
  | { readonly type: 'result'; readonly id: number; readonly result: Result<unknown> }
  | { readonly type: 'state'; readonly state: Partial<State> };

/** A searchable folder. */
export interface Folder {
  readonly name: string;
  readonly photos: readonly Photo[];
}

/** `window.app`: all that the renderer can do outside of its window. */
export interface Bridge {
  state(): Promise<State>;
  /** @returns a function that removes the listener */
  onState(listener: (state: State) => void): () => void;
  choosePhotos(): Promise<Photo[]>;
  /** Opens files that were dropped or pasted. */
  openFiles(files: File[]): Promise<Photo[]>;
  classify(id: string): Promise<Result<Classification>>;
  /** Asks for a folder and starts to index it; undefined if the user cancels. */
  chooseFolder(): Promise<Folder | undefined>;
  /** The folder that was chosen last. */
  folder(): Promise<Folder | undefined>;
  indexAgain(): Promise<Result<void>>;
  cancelIndex(): Promise<Result<void>>;
  neighbors(id: string): Promise<Result<Neighbor[]>>;
  models(): Promise<Result<readonly ModelSummary[]>>;
  useModel(name: string): Promise<Result<void>>;
  cancelModel(): Promise<Result<void>>;
  installLibTorch(): Promise<Result<void>>;
  cancelInstall(): Promise<Result<void>>;
}

declare global {
  interface Window {
    readonly app: Bridge;
  }
}
