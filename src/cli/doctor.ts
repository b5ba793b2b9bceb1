import { Command } from 'commander';
import { SemisupError } from '../errors';
import { cacheFolder } from '../hub';
import { findUsedLibTorch } from '../libtorch';
import { devices, Tensor } from '../torch';
import { versions } from '../versions';
import { bold, print, printJson, table } from './terminal';

/** What was found out about one thing that has to work. */
interface Finding {
  readonly name: string;
  readonly ok: boolean;
  /** What is there, or what is wrong and what to do. */
  readonly detail: string;
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
        ...(libtorch.ok ? [await examine('addon', tryAddon)] : []),
        ...devices().map(({ name, description }) => found(name, description)),
        found('cache', cacheFolder()),
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
    return { name, ok: false, detail: error.message };
  }
}

async function describeLibTorch(): Promise<string> {
  const { dir, version, variant, source } = await findUsedLibTorch();
  return `${version} (${variant}) in ${dir}, by ${source}`;
}

function tryAddon(): string {
  using tensor = Tensor.from(new Float32Array([1, 2, 3]));
  return tensor.dataSync()[2] === 3 ? 'opens LibTorch and makes tensors' : 'gives wrong numbers';
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
