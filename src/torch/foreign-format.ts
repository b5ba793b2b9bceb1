import { abbreviate } from '../options';
import type { FileExcerpt } from './file-excerpt';
import { readRecordNames } from './zip-directory';

/** What a file is that is not TorchScript, as the end of a sentence that begins with "It", and the remedy. */
export interface ForeignFormat {
  readonly is: string;
  readonly remedy: string;
}

const downloadAgain = 'Download or copy the file again.';
const saveTorchScript =
  'in Python, save the module itself with torch.jit.script(module).save(path) or torch.jit.trace(module, example).save(path).';
const onlyTorchScript = `Only TorchScript can be loaded: if the model exists in PyTorch, ${saveTorchScript}`;
const useWeights = `If it is a state dict of a model that hub.list() names, pass its path as \`weights\` to hub.load(name, { weights }); otherwise, ${saveTorchScript}`;

/** Formats that a magic number identifies. */
const magicNumbers: readonly (ForeignFormat & { at?: number; bytes: string })[] = [
  // The protocol of the pickle, then torch.save's magic number.
  {
    bytes: '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19',
    is: 'is a checkpoint in the legacy format of torch.save: a state dict, or a pickled Python module',
    remedy: useWeights,
  },
  ...['\x02', '\x03', '\x04', '\x05'].map((protocol) => ({
    bytes: `\x80${protocol}`,
    is: 'is a Python pickle that torch.save did not write',
    remedy: onlyTorchScript,
  })),
  { bytes: '\x89HDF\r\n\x1a\n', is: 'is an HDF5 file, e.g. of Keras', remedy: onlyTorchScript },
  {
    bytes: 'GGUF',
    is: 'is a GGUF file of llama.cpp',
    remedy: 'Load it with a runtime for GGUF, such as node-llama-cpp.',
  },
  {
    bytes: 'SEMISUPC',
    is: 'is a compiled model',
    remedy: 'Open it with Classifier.open().',
  },
  { bytes: '\x93NUMPY', is: 'is an array of NumPy', remedy: onlyTorchScript },
  { bytes: 'TFL3', at: 4, is: 'is a model of TensorFlow Lite', remedy: onlyTorchScript },
  { bytes: 'ET12', at: 4, is: 'is a program of ExecuTorch', remedy: onlyTorchScript },
  {
    bytes: '\x1f\x8b',
    is: 'is compressed with gzip',
    remedy: 'Decompress it, and load the TorchScript file that it contains, if any.',
  },
  {
    bytes: 'ustar',
    at: 257,
    is: 'is a tar archive',
    remedy: `Unpack it, and load the TorchScript file that it contains, if any. PyTorch itself wrote tar archives before version 0.1.12: load such a file with a PyTorch of that time.`,
  },
];

/**
 * Identifies a file that LibTorch could not load.
 *
 * @returns undefined if it is TorchScript, so that LibTorch's error says what is wrong with it
 */
export function identifyForeignFormat(excerpt: FileExcerpt): ForeignFormat | undefined {
  const { head, size } = excerpt;
  if (size === 0) return { is: 'is empty', remedy: downloadAgain };
  const startsWith = (bytes: string, at = 0) =>
    head.toString('latin1', at, at + bytes.length) === bytes;
  if (startsWith('PK\x03\x04')) return identifyZip(excerpt);
  if (isSafetensors(head)) return { is: 'is a safetensors file', remedy: useWeights };
  const known = magicNumbers.find(({ bytes, at }) => startsWith(bytes, at));
  if (known) return known;
  if (isOnnx(head)) {
    const remedy = `Run it with onnxruntime-node; to run it here, ${saveTorchScript}`;
    return { is: 'is an ONNX model', remedy };
  }
  if (head.every((byte) => byte === 0)) {
    return { is: 'begins with zeros only, as an interrupted download', remedy: downloadAgain };
  }
  return (
    identifyText(head) ?? {
      is: `is of an unknown format: ${firstBytes(head)}`,
      remedy: onlyTorchScript,
    }
  );
}

function identifyZip({ tail }: FileExcerpt): ForeignFormat | undefined {
  const names = readRecordNames(tail);
  if (names === undefined) {
    return {
      is: 'is truncated: it begins as a zip archive, but its directory, which is at the end, is missing',
      remedy: downloadAgain,
    };
  }
  // A damaged or very long directory does not tell.
  if (names.length === 0) return undefined;
  // PyTorch's records are in one directory, named after the file.
  const records = names.map((name) => name.replace(/^[^/]+\//, ''));
  const has = (pattern: RegExp) => [...names, ...records].some((name) => pattern.test(name));
  if (has(/^constants\.pkl$|^code\//)) return undefined;
  if (has(/^archive_format$|^serialized_exported_program\.json$/)) {
    return {
      is: 'is an exported program of torch.export (.pt2)',
      remedy: `In Python, save its module as TorchScript: torch.jit.trace(torch.export.load(path).module(), example).save(…).`,
    };
  }
  if (has(/^\.data\/extern_modules$/)) {
    return { is: 'is a package of torch.package', remedy: onlyTorchScript };
  }
  if (has(/^data\.pkl$/)) {
    return {
      is: 'is a checkpoint of torch.save: a state dict, or a pickled Python module',
      remedy: useWeights,
    };
  }
  if (has(/\.weights\.h5$/)) return { is: 'is a model of Keras', remedy: onlyTorchScript };
  const listed = abbreviate(names.slice(0, 5).map(toPrintable).join(', '));
  return {
    is: `is a zip archive without a model: it contains ${listed}${names.length > 5 ? ', …' : ''}`,
    remedy: 'If the TorchScript file is one of its records, unpack the archive and load that file.',
  };
}

/** An 8-byte length, then JSON. Text may also have a brace at byte 8, but contains no NUL. */
function isSafetensors(head: Buffer): boolean {
  return head[8] === 0x7b && head.subarray(0, 8).includes(0);
}

/**
 * A `ModelProto`: `ir_version`, then the name of the producer, the graph or the operator sets. ONNX has no
 * magic number.
 */
function isOnnx(head: Buffer): boolean {
  const [tag, version = 0, nextTag, length = 0] = head;
  if (tag !== 0x08 || version === 0 || version > 32) return false;
  if (nextTag === 0x3a || nextTag === 0x42) return true;
  // The name is what a SavedModel of TensorFlow, otherwise alike, does not have.
  return nextTag === 0x12 && /^[\x20-\x7e]+$/.test(head.toString('latin1', 4, 4 + length));
}

function identifyText(head: Buffer): ForeignFormat | undefined {
  const text = decodeText(head);
  if (text === undefined) return undefined;
  if (text.startsWith('version https://git-lfs.github.com/spec/')) {
    return {
      is: 'is a Git LFS pointer, not the file that it stands for',
      remedy: `Run 'git lfs pull' in the repository, or download the file itself.`,
    };
  }
  if (/^\s*<(!doctype html|html|head|\?xml)/i.test(text)) {
    return {
      is: 'is a web page, which a server may send instead of a file',
      remedy: 'Open the URL in a browser to see why, then download the file again.',
    };
  }
  const [line] = text.trim().split(/[\r\n]/, 1);
  const excerpt = toPrintable(line!.slice(0, 60));
  if (/^\s*[[{]/.test(text)) {
    const remedy = `If it is the model.json of TensorFlow.js weights of a model that hub.list() names, pass its path as \`weights\` to hub.load(name, { weights }).`;
    return { is: `is JSON, which begins with ${excerpt}`, remedy };
  }
  return { is: `is text, which begins with '${excerpt}'`, remedy: downloadAgain };
}

/** Decodes UTF-8 without control characters; undefined if the bytes are something else. */
function decodeText(head: Buffer): string | undefined {
  // The last character may be cut off.
  const text = new TextDecoder('utf-8').decode(head, { stream: true });
  // eslint-disable-next-line no-control-regex
  return /[\0-\x08\x0e-\x1f\ufffd]/.test(text) || text.trim() === '' ? undefined : text;
}

function firstBytes(head: Buffer): string {
  const bytes = [...head.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0'));
  return `it begins with the bytes ${bytes.join(' ')}`;
}

function toPrintable(name: string): string {
  return name.replace(/\p{C}/gu, '?');
}
