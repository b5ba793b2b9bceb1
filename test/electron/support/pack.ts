import { createPackageWithOptions } from '@electron/asar';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { findLibTorch } from '../../../src/libtorch';
import { root } from '../../support/run-node';
import { install, type Installation } from './installation';

/**
 * Installs the example app as electron-builder packs it: with its production dependencies in app.asar, the files that
 * match `asarUnpack` next to it, and LibTorch in resources/.
 */
export async function installPacked(electron: string): Promise<Installation> {
  const installation = await install(electron);
  const { resources } = installation;
  // Not in the cache: a pattern does not match a path with a directory such as `.cache`.
  const staged = await mkdtemp(join(tmpdir(), 'semisup-electron-staged-'));
  const example = join(root, 'examples', 'electron');
  for (const name of ['src', 'package.json']) {
    await cp(join(example, name), join(staged, name), { recursive: true });
  }
  const packages = await productionPackages();
  for (const path of packages) {
    const target = join(staged, path);
    await cp(join(root, path), target, { recursive: true, dereference: true });
  }
  await copySemisup(join(staged, 'node_modules', 'semisup'));
  const patterns = await unpackPatterns(join(example, 'electron-builder.yml'));
  await createPackageWithOptions(staged, join(resources, 'app.asar'), {
    unpack: `{${patterns.join(',')}}`,
  });
  await rm(staged, { recursive: true });
  const { dir } = await findLibTorch();
  await symlink(dir, join(resources, 'libtorch'));
  return installation;
}

/** The patterns of `asarUnpack`, so that the test packs as users do. */
async function unpackPatterns(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8');
  const list = /^asarUnpack:\n((?: {2}- .*\n)+)/m.exec(text)![1]!;
  return [...list.matchAll(/'(.+)'/g)].map(([, pattern]) => pattern!);
}

/** The directories of semisup's dependencies, relative to the repository. */
async function productionPackages(): Promise<string[]> {
  const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { readonly dev?: boolean; readonly devOptional?: boolean }>;
  };
  const names = Object.keys(packages).filter(
    (path) => path !== '' && !packages[path]!.dev && !packages[path]!.devOptional,
  );
  const existing = await Promise.all(names.map(async (path) => await exists(join(root, path))));
  return names.filter((_, i) => existing[i]);
}

async function exists(path: string): Promise<boolean> {
  return await readdir(path).then(
    () => true,
    () => false,
  );
}

/** Copies what the npm package contains, with the binaries of this build as prebuilt ones. */
async function copySemisup(target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  for (const name of ['lib', 'package.json']) {
    await cp(join(root, name), join(target, name), { recursive: true });
  }
  const release = join(root, 'build', 'Release');
  const prebuilt = join(target, 'prebuilds', `${process.platform}-${process.arch}`);
  await mkdir(prebuilt, { recursive: true });
  for (const name of await readdir(release)) {
    if (!/\.(node|so)$/.test(name)) continue;
    const isLoader = basename(name) === 'binding.node';
    await cp(join(release, name), join(prebuilt, isLoader ? 'binding.glibc.node' : name));
  }
}
