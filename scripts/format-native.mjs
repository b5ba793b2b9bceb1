// Formats the C++ in binding/ and test/ with .clang-format; `--check` only reports unformatted files.
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clangFormatPath } from 'clang-format-node';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const files = ['binding', 'test'].flatMap((name) =>
  readdirSync(join(root, name), { recursive: true })
    .filter((file) => /\.(cc|h)$/.test(file) && !file.includes('node_modules'))
    .map((file) => join(root, name, file)),
);

// The package sets the executable bit in an install script, which npm may be configured not to run.
chmodSync(clangFormatPath, 0o755);
const mode = process.argv.includes('--check') ? ['--dry-run', '--Werror'] : ['-i'];
const { status } = spawnSync(clangFormatPath, [...mode, ...files], { stdio: 'inherit' });
process.exitCode = status ?? 1;
