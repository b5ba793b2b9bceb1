#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { OptionError, SemisupError } from '../errors';
import { versions } from '../versions';
import { benchCommand } from './bench';
import { classifyCommand } from './classify';
import { compileCommand } from './compile';
import { doctorCommand } from './doctor';
import { downloadCommand } from './download';
import { duplicatesCommand } from './duplicates';
import { embedCommand } from './embed';
import { evaluateCommand } from './evaluate';
import { explainCommand } from './explain';
import { exportCommand } from './export';
import { finetuneCommand } from './finetune';
import { indexCommand } from './index-images';
import { infoCommand } from './info';
import { libtorchCommand } from './libtorch';
import { listCommand } from './list';
import { Interruption } from './progress';
import { searchCommand } from './search';
import { selftrainCommand } from './selftrain';
import { teachCommand } from './teach';
import { describeError, endWithOutput, note, printWarningsPlainly } from './terminal';

const exitFailure = 1;
const exitUsageError = 2;

const program = new Command('semisup')
  .description('The semi-supervised and semi-weakly supervised ImageNet models, without Python')
  .version(versions.semisup)
  .showHelpAfterError('Run with --help for usage.');

for (const command of [
  listCommand,
  infoCommand,
  downloadCommand,
  exportCommand,
  compileCommand,
  classifyCommand,
  embedCommand,
  evaluateCommand,
  teachCommand,
  finetuneCommand,
  selftrainCommand,
  explainCommand,
  indexCommand,
  searchCommand,
  duplicatesCommand,
  benchCommand,
  doctorCommand,
  libtorchCommand,
]) {
  program.addCommand(command().copyInheritedSettings(program));
}

printWarningsPlainly();
endWithOutput();
throwOnExit(program);
main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    throw error;
  },
);

async function main(): Promise<number> {
  try {
    await program.parseAsync();
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitUsageError;
    if (error instanceof Interruption) {
      process.kill(process.pid, error.signal);
      return exitFailure;
    }
    if (!(error instanceof SemisupError)) throw error;
    note(describeError(error));
    const isUsageError = error instanceof OptionError || error.code === 'ERR_SEMISUP_MODEL_UNKNOWN';
    return isUsageError ? exitUsageError : exitFailure;
  }
}

/** Makes commands throw instead of exiting, so that exit codes are set in one place. */
function throwOnExit(command: Command): void {
  command.exitOverride();
  command.commands.forEach(throwOnExit);
}
