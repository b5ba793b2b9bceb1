import { pinnedVersion } from './libtorch';

// `require` rather than reading the file: bundlers include it, so that a bundle can be loaded and reports
// what is wrong with it.
// eslint-disable-next-line @typescript-eslint/no-require-imports
const manifest = require('../package.json') as { version: string };

/** The versions of this package and of the LibTorch that it installs. */
export const versions: { readonly semisup: string; readonly libtorch: string } = {
  semisup: manifest.version,
  libtorch: pinnedVersion,
};
