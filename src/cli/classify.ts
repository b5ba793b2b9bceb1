import { Command } from 'commander';
import type { DetailedAnswer } from '../classify';
import { hub } from '../hub';
import { classes } from '../models';
import { invalidValue } from '../options';
import { positive } from './export';
import { withHub, withHubFlags, type HubFlags } from './hub-options';
import { outcomes } from './outcomes';
import { toLoadOptions, withRunFlags, type RunFlags } from './run-options';
import { bar, bold, dim, errorAsJson, print, printJson, table } from './terminal';

interface ClassifyFlags extends HubFlags, RunFlags {
  readonly topk?: number;
  readonly orient?: boolean;
  readonly json?: boolean;
}

/** `semisup classify IMAGE…` */
export function classifyCommand(): Command {
  return withHubFlags(
    withRunFlags(new Command('classify').description('what images show').argument('<image...>'))
      .option('-k, --topk <count>', 'how many classes', positive)
      .option('--orient', 'turn images as their EXIF orientation says')
      .option('--json', 'print JSON'),
  ).action(async (images: string[], flags: ClassifyFlags) => {
    const { topk, orient } = flags;
    checkTopk(flags);
    await using model = await withHub(flags, (options) =>
      hub.load(flags.model, { ...options, ...toLoadOptions(flags) }),
    );
    const answers: object[] = [];
    const ask = (image: string) => model.classifyDetailed(image, { topk, orient });
    for await (const { image, answer, error } of outcomes(images, ask)) {
      if (flags.json) answers.push({ image, ...(error ? { error: errorAsJson(error) } : answer) });
      else if (answer) print(show(image, answer));
    }
    if (flags.json) printJson(answers);
  });
}

/** Before anything is fetched; how many classes weights of one's own have, only they can tell. */
function checkTopk({ topk = 1, weights }: ClassifyFlags): void {
  if (weights !== undefined || topk <= classes.length) return;
  throw invalidValue('topk', `a whole number from 1 to ${classes.length}`, topk);
}

/** An image's answer as a table with a line of times. */
export function show(image: string, { predictions, timings }: DetailedAnswer): string {
  const rows = predictions.map(({ label, wnid, score }) => [
    `${(score * 100).toFixed(1)} %`,
    bar(score, 20),
    label,
    wnid,
  ]);
  const columns = [
    { title: 'score', right: true },
    { title: '' },
    { title: 'class' },
    { title: 'WordNet id' },
  ];
  const { decode, transform, forward } = timings;
  const times = `decode ${decode.toFixed(1)} ms, transform ${transform.toFixed(1)} ms, forward ${forward.toFixed(1)} ms`;
  return [bold(image), table(columns, rows), dim(times), ''].join('\n');
}
