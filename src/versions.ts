import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pinnedVersion } from './libtorch';

const manifest = JSON.parse(readFileSync(join(__dirname, '..', 'package.json'), 'utf8')) as {
  version: string;
};

/** The versions of this package and of the LibTorch that it installs. */
export const versions: { readonly semisup: string; readonly libtorch: string } = {
  semisup: manifest.version,
  libtorch: pinnedVersion,
};
