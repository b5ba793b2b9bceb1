import { isUint8Array } from 'node:util/types';
import { guardGetters, invalidValue } from '../options';

/**
 * The extra files of a TorchScript archive, by name. A loaded file is a string if its content is valid UTF-8,
 * otherwise its bytes; a file to be saved may be either.
 */
export type ExtraFiles = Readonly<Record<string, string | Uint8Array>>;

/** Converts the bytes of each file to a string, if that is lossless: saving the string restores the bytes. */
export function decodeExtraFiles(files: Readonly<Record<string, Uint8Array>>): ExtraFiles {
  return Object.fromEntries(
    Object.entries(files).map(([name, bytes]) => [name, decodeUtf8(bytes) ?? bytes]),
  );
}

/**
 * The bytes of each file, copied.
 *
 * @throws OptionError if a name is invalid, or a content is neither a string nor bytes
 */
export function encodeExtraFiles(files: unknown): Readonly<Record<string, Uint8Array>> {
  return guardGetters("the option 'extraFiles'", files, () => {
    if (typeof files !== 'object' || files === null || Array.isArray(files)) {
      throw invalidValue('extraFiles', 'an object of strings or Uint8Arrays', files);
    }
    return Object.fromEntries(
      Object.entries(files).map(([name, content]) => [checkName(name), encode(name, content)]),
    );
  });
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    // By default a TextDecoder drops a byte order mark.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function encode(name: string, content: unknown): Uint8Array {
  if (typeof content === 'string') return new TextEncoder().encode(content);
  // The addon cannot read shared or resizable memory safely, so copy it.
  if (isUint8Array(content)) return Uint8Array.from(content);
  throw invalidValue(`the extra file '${name.slice(0, 200)}'`, 'a string or a Uint8Array', content);
}

function checkName(name: string): string {
  if (name !== '' && !name.includes('\0')) return name;
  throw invalidValue('the name of an extra file', 'a nonempty string without null bytes', name);
}
