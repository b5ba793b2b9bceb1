import { existsSync } from 'node:fs';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { DeviceError, LibTorchError, SemisupError } from '../errors';
import { cacheDirectory } from '../hub';
import {
  queryGpuDriver,
  cudaBackend,
  findUsedLibTorch,
  gpuProblem,
  installDirectory,
  type Gpu,
} from '../libtorch';
import { guardWrite } from '../net/disk';
import { devices, Tensor, type DeviceName } from '../torch';
import { versions } from '../versions';
import { bold, errorAsJson, print, printJson, table } from './terminal';

/** What was found out about one thing that has to work. */
interface Finding {
  readonly name: string;
  readonly ok: boolean;
  /** What is there, or what is wrong and what to do. */
  readonly detail: string;
  /** The error's code, where something is wrong. */
  readonly code?: string;
}

/** `semisup doctor` */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('whether all is there that is needed, and what to do where it is not')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const libtorch = await examine('LibTorch', describeLibTorch);
      const findings = [
        found('semisup', `${versions.semisup}, for LibTorch ${versions.libtorch}`),
        found('node', `${process.version}, ${process.platform}-${process.arch}`),
        libtorch,
        libtorch.ok
          ? await examine('addon', tryAddon)
          : await examine('LibTorch cache', () => tryCache(dirname(installDirectory('cpu')))),
        found('cpu', (await devices())[0]!.description),
        await examine('GPU', tryGpu),
        await examine('cache', () => tryCache(cacheDirectory())),
      ];
      if (findings.some(({ ok }) => !ok)) process.exitCode = 1;
      if (json) printJson(findings);
      else print(show(findings));
    });
}

function found(name: string, detail: string): Finding {
  return { name, ok: true, detail };
}

async function examine(name: string, look: () => string | Promise<string>): Promise<Finding> {
  try {
    return found(name, await look());
  } catch (error) {
    if (!(error instanceof SemisupError)) throw error;
    const { code, message } = errorAsJson(error);
    return { name, ok: false, detail: message, code };
  }
}

async function describeLibTorch(): Promise<string> {
  const { dir, version, variant, source } = await findUsedLibTorch();
  return `${version} (${variant}) in ${dir}, by ${source}`;
}

function tryAddon(): string {
  compute('cpu');
  return 'opens LibTorch and computes';
}

function compute(device: DeviceName): void {
  using tensor = Tensor.from([1.5, 2.5, -3.5]);
  using there = tensor.to({ device });
  using whole = there.to({ dtype: 'int32' });
  if (whole.dataSync().join() === '1,2,-3') return;
  throw new LibTorchError('ERR_SEMISUP_LIBTORCH_MISMATCH', {
    what: `The addon and LibTorch give wrong numbers on the device '${device}'.`,
    remedy: 'Fetch LibTorch anew (npx semisup libtorch install), and install the package again.',
  });
}

/** GPUs that are not used are no failure, unless LibTorch is one for GPUs. */
async function tryGpu(): Promise<string> {
  const driver = await queryGpuDriver();
  const libtorch = await findUsedLibTorch().catch(() => undefined);
  const problem = gpuProblem(driver, libtorch, libtorch && cudaBackend(libtorch));
  const gpus = driver.gpus.map(describeGpu);
  if (!problem) {
    for (const index of gpus.keys()) compute(`cuda:${index}`);
    return gpus.map((gpu, index) => `cuda:${index}: ${gpu}`).join('; ');
  }
  if (libtorch !== undefined && libtorch.variant !== 'cpu') {
    throw new DeviceError('ERR_SEMISUP_DEVICE', {
      what: `LibTorch is the one for GPUs. ${problem.what}.`,
      remedy: problem.remedy,
    });
  }
  return gpus.length === 0
    ? `none is used. ${problem.what}`
    : `${gpus.join('; ')}: not used. ${problem.what}. ${problem.remedy}`;
}

function describeGpu({ name, capability, memory: { total, free } }: Gpu): string {
  const size = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  const memory = free === undefined ? size(total) : `${size(free)} of ${size(total)} free`;
  return `${name}, compute capability ${capability}, ${memory}`;
}

/** Makes a folder where the cache is or will be, and removes it. */
async function tryCache(folder: string): Promise<string> {
  let existing = folder;
  while (!existsSync(existing)) existing = dirname(existing);
  await rmdir(await guardWrite(folder, mkdtemp(join(existing, '.semisup-'))));
  return existing === folder ? folder : `${folder}, which is yet to be made`;
}

function show(findings: readonly Finding[]): string {
  const rows = findings
    .filter(({ ok }) => ok)
    .map(({ name, detail }) => [name, 'ok', detail] as const);
  const problems = findings
    .filter(({ ok }) => !ok)
    .map(({ name, detail }) => `\n${bold(`${name} does not work`)}\n${detail}`);
  const columns = [{ title: 'what' }, { title: '' }, { title: 'found' }];
  return [table(columns, rows), ...problems].join('\n');
}
