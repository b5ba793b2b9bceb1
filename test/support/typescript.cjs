'use strict';
// Makes Node require TypeScript. What esbuild has compiled is kept in build/: the tests start hundreds of processes, and
// tsx would take most of the time of a short one.
const { createHash } = require('node:crypto');
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { version } = require('esbuild/package.json');

const options = {
  ...{ loader: 'ts', format: 'cjs', target: 'node20' },
  ...{ sourcemap: 'inline', sourcesContent: false },
};
const cache = join(__dirname, '..', '..', 'build', 'typescript');

function compile(file) {
  const text = readFileSync(file, 'utf8');
  const key = JSON.stringify([version, options, file, text]);
  const path = join(cache, `${createHash('sha256').update(key).digest('hex')}.cjs`);
  try {
    return readFileSync(path, 'utf8');
  } catch {
    const { code } = require('esbuild').transformSync(text, { ...options, sourcefile: file });
    keep(path, code);
    return code;
  }
}

function keep(path, code) {
  const temporary = `${path}.${process.pid}`;
  try {
    mkdirSync(cache, { recursive: true });
    writeFileSync(temporary, code);
    renameSync(temporary, path);
  } catch {
    // A process that may not write there compiles the file each time.
  }
}

process.setSourceMapsEnabled(true);
require.extensions['.ts'] = (module, file) => {
  module._compile(compile(file), file);
};
