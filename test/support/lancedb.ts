import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The `node_modules` in which LanceDB is installed, which is no dependency; undefined without it. */
export function lanceModules(): string | undefined {
  const directory = process.env.SEMISUP_TEST_LANCEDB;
  if (directory === undefined) return undefined;
  const modules = join(directory, 'node_modules');
  return existsSync(join(modules, '@lancedb', 'lancedb')) ? modules : undefined;
}

/** The `node_modules` of LanceDB. Skips the test without it, and appends the reason to the title. */
export function lanceOrSkip(test: Mocha.Context): string {
  const modules = lanceModules();
  if (modules !== undefined) return modules;
  test.test!.title += ' (skipped: SEMISUP_TEST_LANCEDB names no directory with @lancedb/lancedb)';
  return test.skip();
}

/** The environment of a process that can load LanceDB. */
export function withLance(modules: string): NodeJS.ProcessEnv {
  return { ...process.env, NODE_PATH: modules };
}
