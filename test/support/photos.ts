import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** 100 photos named `<wnid>_<name>.JPEG`, which are not part of the package. */
const folder = process.env.SEMISUP_TEST_PHOTOS ?? resolve(__dirname, '../../../shared/images');

/** The path of one of the photos, where they are there. */
export function findPhoto(name: string): string | undefined {
  const path = join(folder, name);
  return existsSync(path) ? path : undefined;
}

/** The folder of the photos; skips the test where it is not there, and says so in its title. */
export function photosOrSkip(test: Mocha.Context): string {
  if (existsSync(folder)) return folder;
  test.test!.title += ` (skipped: there is no folder of photos at ${folder})`;
  return test.skip();
}

/** The path of one of the photos; skips the test where they are not there, and says so in its title. */
export function photoOrSkip(test: Mocha.Context, name: string): string {
  return join(photosOrSkip(test), name);
}
