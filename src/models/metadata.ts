import { ModelError } from '../errors';
import type { Transform } from '../types';
import type { License } from './cards';
import type { FeatureInfo } from './feature-info';
import { architectures, isArchitectureName, type ArchitectureName } from './resnet';

/** The extra file of a TorchScript archive that contains the metadata as JSON. */
export const metadataFile = 'semisup.json';

/** The version of the metadata that this package writes, and the only one that it reads. */
const format = 1;

/** Rejects larger counts, which would exhaust memory. */
export const maxClasses = 2 ** 16;
const maxSide = 4096;
const maxChannels = 2 ** 20;

/** The checkpoint that a model was built from. */
export interface WeightsSource {
  /** Its file name. */
  readonly file: string;
  /**
   * The SHA-256 of its bytes, in hex. For TF.js, which has several files: that of the output of `LC_ALL=C sha256sum`
   * for `model.json` and the shards, sorted by name.
   */
  readonly sha256: string;
  /** The entry of a training checkpoint that was used, e.g. `state_dict_ema`; absent for a plain state dict. */
  readonly key?: string;
  /** What preceded the network's names, e.g. `module.`; absent if nothing did. */
  readonly prefix?: string;
}

/** A model's metadata, stored in its TorchScript archive. */
export interface ModelMetadata {
  /** The card's name, e.g. `resnet50_swsl`; of a model of your own, any name. */
  readonly name: string;
  /** Null for a model of your own. */
  readonly architecture: ArchitectureName | null;
  /** Which convolution of a bottleneck has the stride of two; see `Architecture.stride`. */
  readonly stride: 'v1.5' | 'v1' | null;
  readonly numClasses: number;
  /**
   * Where the last layer comes from: `random` means that its predictions are meaningless until it is trained,
   * `trained` that it was trained for other classes than the checkpoint's. Null for a model of your own.
   */
  readonly head: 'checkpoint' | 'random' | 'trained' | null;
  /** The names of its classes: those of ImageNet-1k, your own, or none (a head for other classes). */
  readonly labels: 'imagenet1k' | readonly string[] | null;
  /** The license of the weights; null if it is not known. */
  readonly license: License | null;
  /** Null for a model of your own, and for one that was trained from random weights. */
  readonly source: WeightsSource | null;
  readonly transform: Transform;
  /** What the method `pyramid` of a model of your own returns; absent if it has none, and of all other models. */
  readonly featureInfo?: readonly FeatureInfo[];
}

/** The metadata as the text of `metadataFile`. */
export function formatMetadata(metadata: ModelMetadata): string {
  return `${JSON.stringify({ format, ...metadata }, null, 2)}\n`;
}

/**
 * Reads the content of `metadataFile`, which is untrusted.
 *
 * @param name the path of the archive or another name, for messages
 * @throws ModelError (`ERR_SEMISUP_MODEL_FORMAT`) unless it is a valid `ModelMetadata`.
 */
export function parseMetadata(text: string | Uint8Array, name: string): ModelMetadata {
  try {
    check(typeof text === 'string', 'it must be UTF-8');
    return readMetadata(JSON.parse(text));
  } catch (cause) {
    throw new ModelError('ERR_SEMISUP_MODEL_FORMAT', {
      what: `The metadata '${metadataFile}' inside ${name} cannot be used: ${(cause as Error).message}.`,
      remedy: 'Export the model again with hub.exportTorchScript().',
      value: name,
      cause,
    });
  }
}

function readMetadata(value: unknown): ModelMetadata {
  const metadata = fields(value, 'the metadata');
  check(metadata.format === format, `format must be ${format}`);
  const { architecture = null } = metadata;
  // Only the metadata of a model of the user's own may omit fields.
  const isOwn = architecture === null;
  const omitted = isOwn ? null : undefined;
  const { license = omitted, source = omitted, labels = omitted } = metadata;
  const { numClasses = Array.isArray(labels) ? labels.length : undefined } = metadata;
  check(isClassCount(numClasses), `numClasses must be a whole number from 1 to ${maxClasses}`);
  return {
    name: line(metadata.name, 'name'),
    ...readArchitecture(architecture, metadata.stride ?? null),
    numClasses,
    head: isOwn ? null : readHead(metadata.head),
    labels: readLabels(labels, numClasses),
    license: license === null ? null : readLicense(license),
    source: source === null ? null : readSource(source),
    transform: readTransform(metadata.transform),
    ...(isOwn &&
      metadata.featureInfo !== undefined && { featureInfo: readFeatureInfo(metadata.featureInfo) }),
  };
}

/** Rejects longer lists, which no network has. */
const maxLayers = 1000;

function readFeatureInfo(value: unknown): FeatureInfo[] {
  const isList = Array.isArray(value) && value.length >= 1 && value.length <= maxLayers;
  check(isList, 'featureInfo must be a list of layers');
  return value.map((one, index) => {
    const name = `featureInfo[${index}]`;
    const { module, channels, reduction } = fields(one, name);
    check(isWhole(channels, maxChannels), `${name}.channels must be a whole number above 0`);
    check(
      typeof reduction === 'number' && reduction > 0 && Number.isFinite(reduction),
      `${name}.reduction must be a number above 0`,
    );
    return { module: line(module, `${name}.module`), channels, reduction };
  });
}

function readArchitecture(
  architecture: unknown,
  stride: unknown,
): Pick<ModelMetadata, 'architecture' | 'stride'> {
  if (architecture === null) return { architecture, stride: null };
  check(
    typeof architecture === 'string' && isArchitectureName(architecture),
    `architecture must be null or one of ${Object.keys(architectures).join(', ')}`,
  );
  const expected = architectures[architecture].stride;
  check(stride === expected, `stride must be ${expected} for ${architecture}`);
  return { architecture, stride: expected };
}

function readHead(head: unknown): NonNullable<ModelMetadata['head']> {
  const isKnown = head === 'checkpoint' || head === 'random' || head === 'trained';
  check(isKnown, 'head must be checkpoint, random or trained');
  return head;
}

function readLabels(labels: unknown, numClasses: number): ModelMetadata['labels'] {
  if (labels === null || (labels === 'imagenet1k' && numClasses === 1000)) return labels;
  check(
    Array.isArray(labels) && labels.length === numClasses,
    'labels must be null, a list of one name per class, or imagenet1k with 1000 classes',
  );
  return labels.map((label, index) => line(label, `labels[${index}]`));
}

function readLicense(value: unknown): License {
  const { name, url, commercial } = fields(value, 'license');
  check(typeof commercial === 'boolean', 'license.commercial must be true or false');
  return { name: line(name, 'license.name'), url: line(url, 'license.url'), commercial };
}

function readSource(value: unknown): WeightsSource {
  const { file, sha256, key, prefix } = fields(value, 'source');
  return {
    file: line(file, 'source.file'),
    sha256: readSha256(sha256),
    ...(key !== undefined && { key: line(key, 'source.key') }),
    ...(prefix !== undefined && { prefix: line(prefix, 'source.prefix') }),
  };
}

function readSha256(value: unknown): string {
  check(
    typeof value === 'string' && /^[0-9a-f]{64}$/.test(value),
    'source.sha256 must be 64 hex digits',
  );
  return value;
}

function readTransform(value: unknown): Transform {
  const { resize, crop, interpolation, mean, std } = fields(value, 'transform');
  check(isWhole(resize, maxSide), `transform.resize must be a whole number from 1 to ${maxSide}`);
  check(isWhole(crop, resize), 'transform.crop must be a whole number from 1 to transform.resize');
  check(
    interpolation === undefined || interpolation === 'bilinear' || interpolation === 'bicubic',
    'transform.interpolation must be bilinear or bicubic',
  );
  check(isTriple(mean), 'transform.mean must be three numbers');
  check(
    isTriple(std) && std.every((one) => one > 0),
    'transform.std must be three numbers above 0',
  );
  return { resize, crop, ...(interpolation && { interpolation }), mean, std };
}

function check(valid: boolean, rule: string): asserts valid {
  if (!valid) throw new Error(rule);
}

function fields(value: unknown, name: string): Record<string, unknown> {
  check(typeof value === 'object' && value !== null, `${name} must be an object`);
  return value as Record<string, unknown>;
}

/** A line of printable text. */
function line(value: unknown, name: string): string {
  check(
    typeof value === 'string' && value.length >= 1 && value.length <= 1000 && !/\p{C}/u.test(value),
    `${name} must be a line of text`,
  );
  return value;
}

/** Whether `value` is a valid number of classes. */
export function isClassCount(value: unknown): value is number {
  return isWhole(value, maxClasses);
}

function isWhole(value: unknown, maximum: number): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= maximum;
}

function isTriple(value: unknown): value is [number, number, number] {
  return Array.isArray(value) && value.length === 3 && value.every(Number.isFinite);
}
