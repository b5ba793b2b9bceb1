import { glob } from 'tinyglobby';
import { imageExtensions } from './file-names';

/** The paths of all images in a directory and the directories in it, relative to it, with `/`, in no order. */
export async function imagesIn(directory: string): Promise<string[]> {
  return await glob(`**/*.{${imageExtensions.join(',')}}`, {
    ...{ cwd: directory, expandDirectories: false, caseSensitiveMatch: false, dot: false },
  });
}
