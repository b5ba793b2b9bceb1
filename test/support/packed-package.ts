import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run-node';

/**
 * Packs the package with a prebuild for this platform, made from `build/Release`, into `directory`.
 *
 * @returns the path of the tarball
 */
export function packPackage(directory: string): string {
  const source = join(directory, 'source');
  mkdirSync(source, { recursive: true });
  for (const name of ['lib', 'docs', 'package.json', 'README.md', 'LICENSE']) {
    cpSync(join(root, name), join(source, name), { recursive: true });
  }
  const prebuilds = join(source, 'prebuilds', `${process.platform}-${process.arch}`);
  mkdirSync(prebuilds, { recursive: true });
  const release = join(root, 'build', 'Release');
  copyFileSync(join(release, 'binding.node'), join(prebuilds, 'binding.glibc.node'));
  for (const name of ['engine.so', 'torch-2.13.so']) {
    copyFileSync(join(release, name), join(prebuilds, name));
  }
  const args = ['pack', '--ignore-scripts', '--silent', '--pack-destination', directory];
  return join(directory, execFileSync('npm', args, { cwd: source, encoding: 'utf8' }).trim());
}
