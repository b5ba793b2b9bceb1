// Writes a software bill of materials in CycloneDX: what `npm sbom` reports, the headers compiled into the addon, and
// the LibTorch files that the package downloads, with their pinned hashes.
//   npm run --silent sbom > semisup.cdx.json
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root, run, withDirectory } from './installed.mjs';

const require = createRequire(import.meta.url);
const { wheels } = require(join(root, 'lib', 'libtorch', 'wheels.js'));

const bill = await withDirectory(billOfDependencies);
bill.components.push(nodeAddonApi(), ...libtorch());
console.log(JSON.stringify(bill, undefined, 2));

/**
 * In a checkout, `npm sbom --omit dev` also omits what both dependencies and devDependencies need, so this runs where
 * there are no devDependencies.
 */
function billOfDependencies(temporary) {
  // npm names the component after the directory.
  const directory = join(temporary, 'semisup');
  mkdirSync(directory);
  const manifest = { ...require(join(root, 'package.json')), devDependencies: {}, scripts: {} };
  writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest));
  copyFileSync(join(root, 'package-lock.json'), join(directory, 'package-lock.json'));
  const options = { cwd: directory };
  run('npm', ['install', '--package-lock-only', '--ignore-scripts', '--no-audit'], options);
  const format = ['--sbom-format', 'cyclonedx', '--package-lock-only'];
  return JSON.parse(run('npm', ['sbom', ...format], options).stdout);
}

/** Header-only, so its code is part of the compiled addon. */
function nodeAddonApi() {
  const { name, version, license } = require('node-addon-api/package.json');
  const purl = `pkg:npm/${name}@${version}`;
  return {
    ...{ 'bom-ref': purl, type: 'library', name, version, purl },
    ...{ scope: 'required', licenses: [{ license: { id: license } }] },
  };
}

/** One component per file; a file is listed with each build and platform that needs it. */
function libtorch() {
  const components = new Map();
  for (const [platform, builds] of Object.entries(wheels)) {
    for (const [variant, files] of Object.entries(builds)) {
      for (const { file, sha256 } of files) {
        const component = components.get(file) ?? componentOf(file, sha256);
        component.properties.push({ name: 'semisup:build', value: `${platform} ${variant}` });
        components.set(file, component);
      }
    }
  }
  return [...components.values()];
}

function componentOf(file, sha256) {
  const [name, version] = file.split('-');
  const purl = `pkg:pypi/${name.replaceAll('_', '-')}@${encodeURIComponent(version)}?file_name=${encodeURIComponent(file)}`;
  return {
    ...{ 'bom-ref': purl, type: 'library', name, version, purl, scope: 'optional' },
    description: 'Downloaded by `semisup libtorch install`, not part of the package',
    hashes: [{ alg: 'SHA-256', content: sha256 }],
    properties: [],
  };
}
