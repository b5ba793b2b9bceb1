// Refuses to pack or publish an outdated, incomplete or incompatible package. npm runs it as `prepack`, and with
// --publish as `prepublishOnly`; `npm pack --ignore-scripts` runs neither.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { problemsOf } from '../check-binaries.mjs';
import { manifestProblems } from '../prebuild/manifest.mjs';

/**
 * Why the package in `root` must not be packed, one text each, with what to run.
 *
 * @param isPublished whether it will be published, for which every platform of a release is required
 */
export function packageProblems(root, { isPublished }) {
  return [
    ...libProblems(root),
    ...prebuildProblems(root, isPublished),
    ...(isPublished ? changelogProblems(root) : []),
  ];
}

/** lib/ must be the last compilation of src/, and nothing else. */
function libProblems(root) {
  const compile = "Delete lib/ and run 'npm run build:ts'.";
  const lib = join(root, 'lib');
  if (!existsSync(lib)) return [`lib/ is missing. ${compile}`];
  const sources = filesIn(join(root, 'src')).filter((file) => /(?<!\.d)\.ts$/.test(file));
  const expected = new Map(sources.map((file) => [file.replace(/\.ts$/, '.js'), file]));
  for (const [compiled, source] of expected) {
    if (!existsSync(join(lib, compiled))) return [`lib/${compiled} is missing. ${compile}`];
    if (modified(join(lib, compiled)) < modified(join(root, 'src', source))) {
      return [`lib/${compiled} is older than src/${source}. ${compile}`];
    }
  }
  const extra = filesIn(lib).find((file) => file.endsWith('.js') && !expected.has(file));
  return extra === undefined ? [] : [`lib/${extra} has no source in src/. ${compile}`];
}

function prebuildProblems(root, isPublished) {
  const current = { platform: `${process.platform}-${process.arch}`, cuda: false };
  const required = isPublished ? releasedPlatforms(root) : [current];
  const present = filesIn(join(root, 'prebuilds'))
    .map((file) => file.split('/'))
    .filter((parts) => parts.length > 1)
    .map(([platform]) => ({ platform, cuda: false }));
  const platforms = new Map([...present, ...required].map((entry) => [entry.platform, entry]));
  return [...platforms.values()].flatMap(({ platform, cuda }) => {
    const remedy =
      platform === current.platform
        ? "Run 'npm run prebuild'."
        : `Run 'npm run prebuild' on ${platform} and copy its prebuilds/${platform} here.`;
    const directory = join(root, 'prebuilds', platform);
    const name = `prebuilds/${platform}`;
    if (!existsSync(directory)) return [`${name} is missing. ${remedy}`];
    const problems = manifestProblems(root, directory, { cuda });
    if (platform.startsWith('linux-')) problems.push(...binaryProblems(directory));
    return problems.length === 0 ? [] : [`${name} is unusable: ${problems.join(' ')} ${remedy}`];
  });
}

function binaryProblems(directory) {
  return readdirSync(directory)
    .filter((file) => /\.(node|so)$/.test(file))
    .flatMap((file) => {
      const problems = inspect(join(directory, file));
      return problems.length === 0 ? [] : [`${file} does not run on older systems:`, ...problems];
    });
}

/** readelf may be missing, or reject the file. */
function inspect(file) {
  try {
    return problemsOf(file);
  } catch (error) {
    return [error.message];
  }
}

/** The platforms that prebuilds/README.md declares as parts of a release. */
function releasedPlatforms(root) {
  const text = readFileSync(join(root, 'prebuilds', 'README.md'), 'utf8');
  const rows = [...text.matchAll(/^\| *`(\w+-\w+)` *\| *(yes|no) *\| *(yes|no) *\|/gm)];
  const released = rows.filter(([, , isReleased]) => isReleased === 'yes');
  if (released.length === 0) {
    throw new Error('Expected a table of released platforms in prebuilds/README.md.');
  }
  return released.map(([, platform, , cuda]) => ({ platform, cuda: cuda === 'yes' }));
}

function changelogProblems(root) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const headings = readFileSync(join(root, 'CHANGELOG.md'), 'utf8').matchAll(/^## (\S+)/gm);
  if ([...headings].some(([, heading]) => heading === version)) return [];
  return [
    `CHANGELOG.md has no heading for version ${version}. Rename '## Unreleased' to '## ${version}'.`,
  ];
}

/** Paths relative to `directory`, with slashes. */
function filesIn(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .map((file) => file.replaceAll('\\', '/'));
}

function modified(file) {
  return statSync(file).mtimeMs;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
  const isPublished = process.argv.includes('--publish');
  const problems = packageProblems(root, { isPublished });
  if (problems.length > 0) {
    const action = isPublished ? 'published' : 'packed';
    console.error(`\nThe package cannot be ${action}:\n- ${problems.join('\n- ')}\n`);
    process.exitCode = 1;
  }
}
