// Formats the C++ in binding/ with .clang-format; `--check` only reports unformatted files.
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clangFormatPath } from 'clang-format-node';

const binding = join(dirname(dirname(fileURLToPath(import.meta.url))), 'binding');
const files = readdirSync(binding, { recursive: true })
  .filter((file) => /\.(cc|h)$/.test(file))
  .map((file) => join(binding, file));

// The package sets the executable bit in an install script, which npm may be configured not to run.
chmodSync(clangFormatPath, 0o755);
const mode = process.argv.includes('--check') ? ['--dry-run', '--Werror'] : ['-i'];
const { status } = spawnSync(clangFormatPath, [...mode, ...files], { stdio: 'inherit' });
process.exitCode = status ?? 1;
