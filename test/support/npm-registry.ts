import { execFile, execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Why packages cannot be installed, or undefined. */
export function noRegistry(): string | undefined {
  try {
    execFileSync('npm', ['ping', '--fetch-retries=0'], { stdio: 'ignore', timeout: 20_000 });
    return undefined;
  } catch {
    return 'the npm registry cannot be reached';
  }
}

/** Creates a project, and installs packages in it. */
export async function installPackages(where: string, packages: readonly string[]): Promise<void> {
  await mkdir(where, { recursive: true });
  await writeFile(join(where, 'package.json'), '{ "private": true }');
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
  await promisify(execFile)('npm', ['install', ...flags, ...packages], { cwd: where });
}
