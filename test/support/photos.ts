import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Contains 100 photos named `<wnid>_<name>.JPEG`. They are not part of the package. */
const directory = process.env.SEMISUP_TEST_PHOTOS ?? resolve(__dirname, '../../../shared/images');

/** The directory of the photos, or undefined if it does not exist. */
export function photosDirectory(): string | undefined {
  return existsSync(directory) ? directory : undefined;
}

/** The path of a photo, or undefined if it does not exist. */
export function findPhoto(name: string): string | undefined {
  const path = join(directory, name);
  return existsSync(path) ? path : undefined;
}

/** The directory of the photos. Skips the test if it does not exist, and appends the reason to the title. */
export function photosOrSkip(test: Mocha.Context): string {
  if (existsSync(directory)) return directory;
  test.test!.title += ` (skipped: the directory of photos ${directory} does not exist)`;
  return test.skip();
}

/** The path of a photo. Skips the test if the photos do not exist, and appends the reason to the title. */
export function photoOrSkip(test: Mocha.Context, name: string): string {
  return join(photosOrSkip(test), name);
}
