import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Why a library for a newer system cannot be compiled here, or undefined. */
export function reasonAgainstCompiling(): string | undefined {
  if (process.platform !== 'linux') return 'only Linux has glibc';
  return spawnSync('cc', ['--version']).status === 0 ? undefined : 'no C compiler was found';
}

/** Compiles `file` as a library that requires a glibc that does not exist yet, 2.99. */
export async function compileFutureLibrary(directory: string, file: string): Promise<void> {
  const at = (name: string) => join(directory, name);
  await writeFile(at('future.c'), 'double future(double x) { return x; }');
  await writeFile(at('future.map'), 'GLIBC_2.99 { future; };');
  await writeFile(at('use.c'), 'double future(double); double use(void) { return future(1); }');
  const shared = ['-shared', '-fPIC', '-o'];
  compile(
    ...[...shared, at('libm.so.6'), '-Wl,-soname,libm.so.6'],
    ...[`-Wl,--version-script=${at('future.map')}`, at('future.c')],
  );
  compile(...shared, file, at('use.c'), at('libm.so.6'));
}

function compile(...args: string[]): void {
  const { status, stderr } = spawnSync('cc', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}
