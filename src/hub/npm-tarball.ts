import { posix } from 'node:path';
import { DownloadError } from '../errors';
import type { NpmSettings } from './npm-settings';

/**
 * The URL of a package's tarball. Every registry serves it there, mirrors too, whatever host their manifests state.
 *
 * @throws DownloadError if no registry is configured
 */
export function npmTarball(name: string, version: string, { registry }: NpmSettings): string {
  if (registry !== undefined) {
    return `${registry.replace(/\/+$/, '')}/${name}/-/${posix.basename(name)}-${version}.tgz`;
  }
  throw new DownloadError('ERR_SEMISUP_DOWNLOAD_NETWORK', {
    what: `${name}@${version} could not be downloaded, because 'npm config list', which names the registry, failed.`,
    remedy:
      'Install npm or correct its configuration, or set npm_config_registry to the URL of the registry.',
    value: `${name}@${version}`,
  });
}
