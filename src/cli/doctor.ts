import { existsSync } from 'node:fs';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { DeviceError, LibTorchError, SemisupError } from '../errors';
import { cacheDirectory } from '../hub';
import { loadImageRs, loadSharp } from '../image/native-decoders';
import { cudaBackend, glibcVersion } from '../binaries';
import {
  queryGpuDriver,
  findUsedLibTorch,
  gpuProblem,
  installDirectory,
  type Gpu,
} from '../libtorch';
import { guardWrite } from '../net/disk';
import { checkTrusted } from '../trust/trusted-path';
import { openEngine, Tensor, type DeviceName } from '../native';
import { devices, type Device } from '../torch';
import { versions } from '../versions';
import { bold, errorAsJson, print, printJson, table } from './terminal';

/** The result of one check. */
interface Finding {
  readonly name: string;
  readonly ok: boolean;
  /** What was found, or the problem and its remedy. */
  readonly detail: string;
  /** The code of the error, if the check failed. */
  readonly code?: string;
}

/** `semisup doctor` */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check the installation, and suggest remedies')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const libtorch = await runCheck('LibTorch', describeLibTorch);
      const engine = await runCheck('compiled models', describeEngine);
      const findings = [
        passed('semisup', `${versions.semisup}, for LibTorch ${versions.libtorch}`),
        passed('node', describeNode()),
        libtorch,
        libtorch.ok
          ? await runCheck('addon', checkAddon)
          : await runCheck('LibTorch cache', () => checkCache(dirname(installDirectory('cpu')))),
        engine,
        await runCheck('sharp', describeSharp),
        await runCheck('@napi-rs/image', describeImageRs),
        await runCheck('cpu', () => describeCpu(engine.ok)),
        await runCheck('GPU', checkGpu),
        await runCheck('cache', () => checkCache(cacheDirectory())),
      ];
      if (findings.some(({ ok }) => !ok)) process.exitCode = 1;
      if (json) printJson(findings);
      else print(show(findings));
    });
}

function passed(name: string, detail: string): Finding {
  return { name, ok: true, detail };
}

async function runCheck(name: string, check: () => string | Promise<string>): Promise<Finding> {
  try {
    return passed(name, await check());
  } catch (error) {
    if (!(error instanceof SemisupError)) throw error;
    const { code, message } = errorAsJson(error);
    return { name, ok: false, detail: message, code };
  }
}

function describeNode(): string {
  const glibc = glibcVersion();
  const system = `${process.platform}-${process.arch}`;
  return `${process.version}, ${system}${glibc === undefined ? '' : `, glibc ${glibc}`}`;
}

async function describeLibTorch(): Promise<string> {
  const { dir, version, variant, source } = await findUsedLibTorch();
  return `${version} (${variant}) in ${dir}, from ${source}`;
}

function describeEngine(): string {
  return openEngine().instructionSet === 'none'
    ? 'cannot run: this processor has neither AVX2 nor NEON'
    : 'run, without LibTorch';
}

/** The processor and, if the addons can be loaded, the instruction set of their kernels. */
async function describeCpu(hasAddon: boolean): Promise<string> {
  const [{ description }] = (await devices()) as [Device];
  if (!hasAddon) return description;
  const { instructionSet } = openEngine();
  return instructionSet === 'none'
    ? `${description}; no kernels for it: oneDNN runs all convolutions`
    : `${description}; kernels for ${instructionSet}`;
}

function checkAddon(): string {
  compute('cpu');
  return 'loads LibTorch and computes';
}

function describeSharp(): string {
  const { versions } = loadSharp();
  return `${versions.sharp}, with libvips ${versions.vips}; decodes all formats but AVIF, BMP and Netpbm`;
}

function describeImageRs(): string {
  loadImageRs();
  return 'decodes AVIF, BMP and Netpbm';
}

function compute(device: DeviceName): void {
  using tensor = Tensor.from([1.5, 2.5, -3.5]);
  using onDevice = tensor.to({ device });
  using truncated = onDevice.to({ dtype: 'int32' });
  if (truncated.dataSync().join() === '1,2,-3') return;
  throw new LibTorchError('ERR_SEMISUP_LIBTORCH_MISMATCH', {
    what: `The addon and LibTorch compute wrong results on the device '${device}'.`,
    remedy: 'Reinstall LibTorch (npx semisup libtorch install) and this package.',
  });
}

/** GPUs that cannot be used are a failure only if LibTorch has CUDA. */
async function checkGpu(): Promise<string> {
  const driver = await queryGpuDriver();
  const libtorch = await findUsedLibTorch().catch(() => undefined);
  const problem = gpuProblem(driver, libtorch, libtorch && cudaBackend(libtorch));
  const gpus = driver.gpus.map(describeGpu);
  if (!problem) {
    for (const index of gpus.keys()) compute(`cuda:${index}`);
    return gpus.map((gpu, index) => `cuda:${index}: ${gpu}`).join('; ');
  }
  if (libtorch !== undefined && libtorch.variant !== 'cpu') {
    throw new DeviceError('ERR_SEMISUP_DEVICE_UNAVAILABLE', {
      what: `LibTorch has CUDA, but GPUs cannot be used. ${problem.what}.`,
      remedy: problem.remedy,
    });
  }
  return gpus.length === 0
    ? `none used. ${problem.what}`
    : `${gpus.join('; ')}: not used. ${problem.what}. ${problem.remedy}`;
}

function describeGpu({ name, capability, memory: { total, free } }: Gpu): string {
  const size = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  const memory = free === undefined ? size(total) : `${size(free)} of ${size(total)} free`;
  return `${name}, compute capability ${capability}, ${memory}`;
}

/** Checks who can write the cache; creates and removes a directory in it, or in its nearest existing parent. */
async function checkCache(directory: string): Promise<string> {
  checkTrusted(directory);
  let existing = directory;
  while (!existsSync(existing)) existing = dirname(existing);
  await rmdir(await guardWrite(directory, mkdtemp(join(existing, '.semisup-'))));
  return existing === directory ? directory : `${directory}, not created yet`;
}

function show(findings: readonly Finding[]): string {
  const rows = findings
    .filter(({ ok }) => ok)
    .map(({ name, detail }) => [name, 'ok', detail] as const);
  const problems = findings
    .filter(({ ok }) => !ok)
    .map(({ name, detail }) => `\n${bold(`${name} does not work`)}\n${detail}`);
  const columns = [{ title: 'check' }, { title: '' }, { title: 'detail' }];
  return [table(columns, rows), ...problems].join('\n');
}
