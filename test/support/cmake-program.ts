import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './run-node';

/** Whether a command can be run. */
export function exists(command: string): boolean {
  return spawnSync(command, ['--version']).status === 0;
}

/** Whether programs can be compiled with CMake and run here. */
export function canCompile(): boolean {
  return process.platform === 'linux' && process.arch === 'x64' && exists('cmake');
}

/**
 * Compiles the program of a directory of tests.
 *
 * @param name the name of the directory, and of the program before `_test`
 * @param variant the name of the build
 * @param options further arguments of CMake
 * @returns the path of the program
 */
export function compileProgram(
  name: string,
  variant: string,
  ...options: readonly string[]
): string {
  const directory = join(root, 'build', name, variant);
  const source = join(root, 'test', name);
  execFileSync('cmake', ['-S', source, '-B', directory, ...options], { stdio: 'pipe' });
  execFileSync('cmake', ['--build', directory, '--parallel', '2'], { stdio: 'pipe' });
  return join(directory, `${name}_test`);
}
