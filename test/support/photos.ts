import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** 100 photos named `<wnid>_<name>.JPEG`, which are not part of the package. */
const folder = resolve(__dirname, '../../../shared/images');

/** The path of one of the photos, where they are there. */
export function findPhoto(name: string): string | undefined {
  const path = join(folder, name);
  return existsSync(path) ? path : undefined;
}

/** The path of one of the photos; skips the test where they are not there. */
export function photoOrSkip(test: Mocha.Context, name: string): string {
  return findPhoto(name) ?? skip(test, `there is no folder of photos at ${folder}`);
}

/** Skips a test and says why in its title. */
export function skip(context: Mocha.Context, why: string): never {
  const runnable = context.test!;
  const title = runnable.type === 'hook' ? runnable.parent! : runnable;
  title.title += ` (skipped: ${why})`;
  return context.skip();
}
