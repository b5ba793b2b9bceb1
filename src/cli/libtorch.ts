import { Command, Option } from 'commander';
import { checkCLibrary } from '../binaries';
import {
  findUsedLibTorch,
  libtorch,
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
    .description('locate or install LibTorch')
    .addCommand(whereCommand())
    .addCommand(installCommand());
}

function whereCommand(): Command {
  return new Command('where')
    .description('show which LibTorch is used, and why')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const found = await findUsedLibTorch();
      if (json) printJson(found);
      else print(describeLibTorch(found));
    });
}

/** Formats the selected LibTorch, and the candidates that were skipped before it. */
export function describeLibTorch({ dir, version, variant, source, rejected }: LibTorch): string {
  return [
    dir,
    `LibTorch ${version} (${variant}), selected by: ${source}`,
    ...rejected.map((candidate) =>
      dim(
        `skipped: ${candidate.source}${candidate.dir ? ` (${candidate.dir})` : ''}: ${candidate.problem}`,
      ),
    ),
  ].join('\n');
}

interface InstallFlags {
  readonly variant: Variant;
  readonly dir?: string;
  readonly headers?: boolean;
  readonly json?: boolean;
}

function installCommand(): Command {
  return new Command('install')
    .description('download the official LibTorch')
    .addOption(
      new Option('--variant <variant>', 'CPU only, or with CUDA').choices(variants).default('cpu'),
    )
    .option('--dir <directory>', 'where to; by default a directory in the cache, where it is found')
    .option('--headers', 'include the headers for compiling against it')
    .option('--json', 'print JSON')
    .action(async ({ variant, dir, headers, json }: InstallFlags) => {
      checkCLibrary();
      const size = wheelsOf(variant).reduce((bytes, wheel) => bytes + wheel.size, 0);
      note(`LibTorch for ${variant}: ${megabytes(size)} to download unless cached.`);
      const installed = await withProgress((onProgress, signal) =>
        libtorch.install({ variant, dir, headers, onProgress, signal }),
      );
      if (json) printJson(installed);
      else print(installed.dir);
    });
}
