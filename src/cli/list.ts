import { Command } from 'commander';
import { ModelError } from '../errors';
import { hub } from '../hub';
import type { ModelCard } from '../models';
import { dim, print, printJson, table } from './terminal';

/** `semisup list [GLOB]` */
export function listCommand(): Command {
  return new Command('list')
    .description('list the models with their accuracy on ImageNet')
    .argument('[glob]', "pattern of the names, e.g. '*swsl*'", '*')
    .option('--json', 'print JSON')
    .action((glob: string, { json }: { json?: boolean }) => {
      const cards = hub.list(glob).map((name) => hub.info(name));
      if (cards.length === 0) throw noMatch(glob);
      if (json) {
        printJson(cards);
        return;
      }
      const rows = cards.map((card) => [
        card.name,
        ...accuracy(card),
        (card.parameters / 1e6).toFixed(1),
        card.gmacs.toFixed(1),
        card.license.name,
      ]);
      const hasClaimed = cards.some(({ accuracy }) => !accuracy.measured);
      print(
        table(
          [
            { title: 'model' },
            { title: 'top-1', right: true },
            { title: 'top-5', right: true },
            { title: 'parameters (M)', right: true },
            { title: 'GMACs', right: true },
            { title: 'license' },
          ],
          rows,
        ),
      );
      print(
        dim(`\nAccuracy in percent, as measured by timm${hasClaimed ? '; *: as claimed' : ''}.`),
      );
    });
}

function noMatch(glob: string): ModelError {
  return new ModelError('ERR_SEMISUP_MODEL_UNKNOWN', {
    what: `No model matches '${glob}'.`,
    remedy: 'Run `semisup list` without a pattern to see all of them.',
    value: glob,
  });
}

/** The measured accuracy, or the claimed one with a mark. */
function accuracy({ accuracy: { measured, claimed } }: ModelCard): [string, string] {
  const { top1, top5 } = measured ?? claimed;
  const mark = measured ? ' ' : '*';
  return [`${top1.toFixed(1)}${mark}`, `${top5.toFixed(1)}${mark}`];
}
