import { Command, Option } from 'commander';
import {
  findUsedLibTorch,
  installLibTorch,
  variants,
  wheelsOf,
  type LibTorch,
  type Variant,
} from '../libtorch';
import { withProgress } from './progress';
import { dim, megabytes, note, print, printJson } from './terminal';

/** `semisup libtorch where|install` */
export function libtorchCommand(): Command {
  return new Command('libtorch')
    .description('where LibTorch is taken from, and a way to fetch it')
    .addCommand(whereCommand())
    .addCommand(installCommand());
}

function whereCommand(): Command {
  return new Command('where')
    .description('the LibTorch that is used, and why that one')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const found = await findUsedLibTorch();
      if (json) printJson(found);
      else print(describeLibTorch(found));
    });
}

/** Which LibTorch was taken and why, and what was passed over before. */
export function describeLibTorch({ dir, version, variant, source, rejected }: LibTorch): string {
  return [
    dir,
    `LibTorch ${version} (${variant}), taken because of: ${source}`,
    ...rejected.map((place) =>
      dim(`passed over: ${place.source}${place.dir ? ` (${place.dir})` : ''}: ${place.problem}`),
    ),
  ].join('\n');
}

function installCommand(): Command {
  return new Command('install')
    .description('fetch the official LibTorch into the cache folder')
    .addOption(
      new Option('--variant <variant>', 'for the CPU, or for CUDA too')
        .choices(variants)
        .default('cpu'),
    )
    .option('--headers', 'with the headers, to compile against it')
    .option('--json', 'print JSON')
    .action(async (flags: { variant: Variant; headers?: boolean; json?: boolean }) => {
      const { variant, headers, json } = flags;
      const size = wheelsOf(variant).reduce((bytes, wheel) => bytes + wheel.size, 0);
      note(`LibTorch for ${variant}: ${megabytes(size)} to fetch where it is not there yet.`);
      const folder = await withProgress((onProgress, signal) =>
        installLibTorch({ variant, headers, onProgress, signal }),
      );
      if (json) printJson(folder);
      else print(folder.dir);
    });
}
