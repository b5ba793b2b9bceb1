import type { Transformer } from '@napi-rs/image';
import type sharp from 'sharp';
import { DecoderError } from '../errors';
import { abbreviate } from '../options';
import { requireSharp } from './require-sharp';

/** The packages that decode images; each loads a native addon from a package of its own for the platform. */
type DecoderPackage = 'sharp' | '@napi-rs/image';

let loadedSharp: typeof sharp | undefined;

/**
 * Loads sharp. It is loaded by the first image that it decodes, so that everything else works without its native
 * addon.
 *
 * @throws DecoderError if it or its native addon is missing, or cannot be loaded
 */
export function loadSharp(): typeof sharp {
  try {
    return (loadedSharp ??= requireSharp());
  } catch (cause) {
    throw decoderError('sharp', describeSharpFailure(cause), cause);
  }
}

/** Loads @napi-rs/image, as `loadSharp` loads sharp. */
export function loadImageRs(): { readonly Transformer: typeof Transformer } {
  try {
    return require('@napi-rs/image') as { readonly Transformer: typeof Transformer };
  } catch (cause) {
    throw decoderError('@napi-rs/image', describeImageRsFailure(cause), cause);
  }
}

/** Why a decoder could not be loaded. */
interface LoadFailure {
  /** The package with the native addon for this platform, if known. */
  readonly addonPackage?: string;
  /** Why the addon could not be opened; undefined if its package is missing. */
  readonly problem?: string;
}

/** Parses sharp's message: the runtime, a line per problem other than a missing file, and then the solutions. */
function describeSharpFailure(cause: unknown): LoadFailure {
  const { message, code } = cause as NodeJS.ErrnoException;
  const [summary = '', ...lines] = message.split('\n');
  const runtime = /using the (\S+) runtime/.exec(summary)?.[1];
  if (code !== undefined || runtime === undefined) return { problem: summary };
  const end = lines.findIndex((line) => line.startsWith('Possible solutions'));
  const problems = lines.slice(0, Math.max(end, 0)).join('; ');
  return { addonPackage: `@img/sharp-${runtime}`, problem: problems || undefined };
}

/** Parses the chain of causes of the loader of @napi-rs/image: one for each file that it tried. */
function describeImageRsFailure(cause: unknown): LoadFailure {
  const messages: string[] = [];
  // Not `instanceof Error`: in a context of node:vm, errors of Node are of another realm.
  for (let error = cause as Error | undefined; error; error = error.cause as Error | undefined) {
    messages.push(error.message.split('\n')[0]!);
  }
  const [summary = '', ...causes] = messages;
  const platform = causes
    .map((message) => /image\.([\w-]+)\.node/.exec(message)?.[1])
    .find(Boolean);
  if (platform === undefined) return { problem: summary };
  const problem = causes.find((message) => !message.startsWith('Cannot find module'));
  return { addonPackage: `@napi-rs/image-${platform}`, problem };
}

function decoderError(
  name: DecoderPackage,
  { addonPackage, problem }: LoadFailure,
  cause: unknown,
): DecoderError {
  const addon = addonPackage === undefined ? '' : `its package ${addonPackage} `;
  const reason =
    problem === undefined
      ? `${addon}is not installed`
      : `${addon && `${addon}could not be opened: `}${abbreviate(problem.replace(/\.$/, ''))}`;
  const isPacked = /\.asar\b/.test(`${__dirname} ${problem ?? ''}`);
  return new DecoderError('ERR_SEMISUP_DECODER_NOT_FOUND', {
    what: `The image decoder ${name} could not be loaded: ${reason}.`,
    remedy: isPacked
      ? `Unpack native libraries from the archive, in electron-builder with asarUnpack: '${asarPattern}'.`
      : `Run 'npm install --include=optional ${name}'; to install on another platform than the one that it will run on, add ${installTarget()}.`,
    value: addonPackage ?? name,
    cause,
  });
}

/** Electron's `*.node` alone would leave sharp's libvips in the archive, where the dynamic linker cannot read. */
const asarPattern = '{**/*.node,**/*.so,**/*.so.*,**/*.dylib,**/*.dll}';

function installTarget(): string {
  return `--os=${process.platform} --cpu=${process.arch}`;
}
