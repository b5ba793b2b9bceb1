import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { extract } from 'tar';

const archive =
  process.env.SEMISUP_TEST_PICTURES ??
  resolve(__dirname, '../../../shared/data/cifar10-12k.tar.gz');

/** Why the archive of CIFAR-10's pictures cannot be used; undefined if it can. */
export const picturesProblem = existsSync(archive)
  ? undefined
  : `${archive} does not exist; set SEMISUP_TEST_PICTURES to a .tar.gz of train/ and test/ with a directory for each class`;

/** Unpacks 10,000 pictures to train on and 2000 to judge by, of 32x32 pixels in ten classes. */
export async function unpackPictures(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  await extract({ file: archive, cwd: directory });
  return directory;
}
