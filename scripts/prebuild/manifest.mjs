// The manifest of a prebuild, prebuilds/<platform>/manifest.json: what it was compiled from and what it
// contains, so that a package is never made of outdated, incomplete or modified binaries.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const name = 'manifest.json';

/** Writes and returns the manifest of the prebuild in `directory`. */
export function writeManifest(root, directory, libtorch) {
  const files = {};
  for (const file of binariesIn(directory)) files[file] = describe(join(directory, file));
  const manifest = { libtorch, sources: hashSources(root), files };
  writeFileSync(join(directory, name), `${JSON.stringify(manifest, undefined, 2)}\n`);
  return manifest;
}

/** Why the prebuild in `directory` cannot be released, one sentence each. */
export function manifestProblems(root, directory, { cuda = false } = {}) {
  if (!existsSync(join(directory, name))) return ['It has no manifest.json.'];
  const { sources, files } = JSON.parse(readFileSync(join(directory, name), 'utf8'));
  const problems = [];
  if (sources !== hashSources(root)) {
    problems.push('It was not compiled from the current binding/ and CMakeLists.txt.');
  }
  const present = binariesIn(directory);
  for (const file of new Set([...Object.keys(files), ...present])) {
    if (!present.includes(file)) problems.push(`${file} is missing.`);
    else if (!(file in files)) problems.push(`${file} is not in manifest.json.`);
    else if (describe(join(directory, file)).sha256 !== files[file].sha256) {
      problems.push(`${file} is not the file described in manifest.json.`);
    }
  }
  const required = [/^binding\..*\.node$/, /^engine\.(so|dll)$/, /^torch-[\d.]+\.(so|dll)$/];
  if (cuda) required.push(/^cuda-[\d.]+\.(so|dll)$/);
  for (const pattern of required) {
    if (!present.some((file) => pattern.test(file)))
      problems.push(`No file matches ${pattern.source}.`);
  }
  return problems;
}

function binariesIn(directory) {
  return readdirSync(directory)
    .filter((file) => /\.(node|so|dll|dylib)$/.test(file))
    .sort();
}

function describe(file) {
  const bytes = readFileSync(file);
  return { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** SHA-256 of everything that is compiled, the same on every platform and for every kind of line endings. */
function hashSources(root) {
  const sources = readdirSync(join(root, 'binding'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length).replaceAll('\\', '/'));
  const hash = createHash('sha256');
  for (const path of ['/CMakeLists.txt', ...sources.sort()]) {
    const text = readFileSync(join(root, path), 'utf8').replaceAll('\r\n', '\n');
    hash.update(`${path}\n${text}\0`);
  }
  return hash.digest('hex');
}
