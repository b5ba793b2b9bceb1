import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { libTorchDirectory } from '../support/libtorch-directory';
import { root } from '../support/run-node';

const run = promisify(execFile);
const modules = join(root, 'node_modules');

/** The package's dependencies that have native addons, and those that they require themselves. */
const copied = ['sharp', 'detect-libc', 'semver', '@napi-rs/image', '@img/colour'];

/**
 * Writes an installation of the built package whose native packages are missing, as after
 * `npm install --omit=optional`.
 *
 * @returns the directory of the package
 */
async function installWithoutNative(directory: string): Promise<string> {
  const installed = join(directory, 'node_modules');
  const target = join(installed, 'semisup');
  await mkdir(target, { recursive: true });
  for (const name of ['lib', 'package.json']) {
    await cp(join(root, name), join(target, name), { recursive: true });
  }
  for (const name of copied) {
    await cp(join(modules, name), join(installed, name), { recursive: true });
  }
  for (const name of await readdir(modules)) {
    if (name.startsWith('.') || ['@img', '@napi-rs', ...copied].includes(name)) continue;
    await symlink(join(modules, name), join(installed, name), 'junction');
  }
  return target;
}

describe('a package without the native addons of its image decoders', function () {
  this.timeout(60_000);
  let directory: string;
  let installed: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'semisup-test-'));
    installed = await installWithoutNative(directory);
  });
  after(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  const env = () => ({
    ...process.env,
    SEMISUP_PREBUILD: root,
    SEMISUP_LIBTORCH: libTorchDirectory(),
  });
  const evaluate = async (program: string): Promise<unknown> => {
    const { stdout } = await run(process.execPath, ['--eval', program], {
      cwd: directory,
      env: env(),
    });
    return JSON.parse(stdout);
  };
  const failureOf = async (image: string): Promise<Record<string, string>> =>
    (await evaluate(`
      const { decode } = require(${JSON.stringify(join(installed, 'lib', 'image'))});
      decode(${image}).catch(({ name, code, message, value }) =>
        console.log(JSON.stringify({ name, code, message, value })));
    `)) as Record<string, string>;
  const jpeg = JSON.stringify(join(root, 'examples', 'clock.jpg'));
  const ppm = `Buffer.from('P6 1 1 255\\nrgb')`;

  it('runs the commands that decode nothing', async () => {
    const cli = join(installed, 'lib', 'cli', 'index.js');
    const { stdout } = await run(process.execPath, [cli, '--version'], { env: env() });
    assert.match(stdout, /^\d+\.\d+\.\d+/);
  });

  it('is reported by semisup doctor, with the remedy', async () => {
    const cli = join(installed, 'lib', 'cli', 'index.js');
    const failed = run(process.execPath, [cli, 'doctor', '--json'], { env: env() });
    const { code, stdout } = (await failed.catch((error: unknown) => error)) as {
      code: number;
      stdout: string;
    };
    const findings = JSON.parse(stdout) as { name: string; ok: boolean; detail: string }[];
    const decoders = findings.filter(({ name }) => ['sharp', '@napi-rs/image'].includes(name));
    assert.equal(code, 1);
    assert.deepEqual(
      decoders.map(({ ok }) => ok),
      [false, false],
    );
    for (const { name, detail } of decoders) {
      assert.match(detail, /is not installed\. Run 'npm install --include=optional /);
      assert.ok(detail.includes(name));
    }
  });

  it('computes on tensors and decoded pixels', async () => {
    const result = await evaluate(`
      const { Tensor } = require('semisup');
      const { decode } = require(${JSON.stringify(join(installed, 'lib', 'image'))});
      (async () => {
        const pixels = { data: new Uint8Array(12), width: 2, height: 2, channels: 3 };
        const { width } = await decode(pixels);
        console.log(JSON.stringify([...Tensor.from([1, 2]).dataSync(), width]));
      })();
    `);
    assert.deepEqual(result, [1, 2, 2]);
  });

  it('names the missing package when an image is decoded', async () => {
    const sharp = await failureOf(jpeg);
    const imageRs = await failureOf(ppm);
    for (const error of [sharp, imageRs]) {
      assert.equal(error.name, 'DecoderError');
      assert.equal(error.code, 'ERR_SEMISUP_DECODER_NOT_FOUND');
      assert.ok(error.message!.includes(`package ${error.value} is not installed`), error.message);
      const target = `--os=${process.platform} --cpu=${process.arch}`;
      assert.ok(error.message!.includes(target), error.message);
    }
    assert.match(sharp.value!, new RegExp(`^@img/sharp-${process.platform}.*${process.arch}$`));
    assert.match(imageRs.value!, new RegExp(`^@napi-rs/image-${process.platform}`));
  });

  it('says why an addon that is installed cannot be opened', async () => {
    const { value } = await failureOf(ppm);
    const platform = /image-(.*)$/.exec(value!)![1]!;
    const broken = join(directory, 'node_modules', value!, `image.${platform}.node`);
    await mkdir(dirname(broken), { recursive: true });
    await writeFile(broken, 'not a library');
    await writeFile(
      join(dirname(broken), 'package.json'),
      JSON.stringify({ name: value, version: '1.15.0', main: `image.${platform}.node` }),
    );
    const { message } = await failureOf(ppm);
    assert.match(message!, /could not be opened: .*(file too short|invalid|not a mach-o)/i);
  });

  it('asks to unpack native libraries if it is in an archive of Electron', async () => {
    const packed = await installWithoutNative(join(directory, 'app.asar'));
    const { message } = (await evaluate(`
      const { decode } = require(${JSON.stringify(join(packed, 'lib', 'image'))});
      decode(${jpeg}).catch(({ message }) => console.log(JSON.stringify({ message })));
    `)) as { message: string };
    assert.match(message, /asarUnpack: '\{\*\*\/\*\.node,\*\*\/\*\.so,\*\*\/\*\.so\.\*/);
  });
});
