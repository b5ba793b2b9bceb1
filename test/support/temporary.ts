import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Creates a directory for each test of a suite and removes it afterwards. */
export function temporaryDirectory(): { readonly path: string } {
  let path: string | undefined;
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'semisup-test-'));
  });
  afterEach(async () => {
    await rm(path!, { recursive: true, force: true });
    path = undefined;
  });
  return {
    get path() {
      // A path that begins with nothing would be one in the working directory.
      if (path === undefined)
        throw new Error('The directory exists in beforeEach, tests and afterEach.');
      return path;
    },
  };
}
