import { compareEvaluations, type Evaluation, type Proportion } from '../evaluate';
import { cardOf, type Accuracy } from '../models';
import { bold, dim, table } from './terminal';

/** The number of confused pairs that are shown. */
const maxConfusions = 5;

/** Formats evaluations: accuracies beside those of the cards, what was confused most, and tests of the differences. */
export function showEvaluations(evaluations: readonly Evaluation[]): string {
  return [accuracies(evaluations), ...evaluations.map(confusions), ...differences(evaluations), '']
    .filter((part) => part !== undefined)
    .join('\n');
}

function accuracies(evaluations: readonly Evaluation[]): string {
  const columns = [
    { title: 'model' },
    { title: 'images', right: true },
    { title: 'top-1', right: true },
    { title: '95 % interval', right: true },
    { title: 'top-5', right: true },
    { title: 'claimed', right: true },
    { title: 'measured', right: true },
    { title: 'NLL', right: true },
    { title: 'ECE', right: true },
    { title: 'macro F1', right: true },
    { title: 'images/s', right: true },
  ];
  const rows = evaluations.map(
    ({ metadata, results, top1, top5, nll, calibration, macro, throughput }) => {
      const { claimed, measured } = cardOf(metadata)?.accuracy ?? {};
      return [
        metadata.name,
        String(results.length),
        percent(top1.share),
        interval(top1),
        percent(top5.share),
        cardAccuracy(claimed, 1),
        cardAccuracy(measured, 2),
        nll.toFixed(3),
        percent(calibration.ece),
        percent(macro.f1),
        Number.isNaN(throughput) ? '' : throughput.toFixed(1),
      ];
    },
  );
  const explanation =
    'Accuracy in percent. Claimed and measured: top-1/top-5 on ImageNet by the authors and by timm.';
  return `${table(columns, rows)}\n${dim(explanation)}`;
}

function confusions({ metadata, confusions }: Evaluation): string | undefined {
  if (confusions.length === 0) return undefined;
  const rows = confusions
    .slice(0, maxConfusions)
    .map((one) => [
      String(one.images.length),
      one.class.label,
      one.predicted.label,
      one.images[0]!,
    ]);
  const columns = [
    { title: 'images', right: true },
    { title: 'class' },
    { title: 'taken for' },
    { title: 'for example' },
  ];
  return `\n${bold(`Confused most by ${metadata.name}`)}\n${table(columns, rows)}`;
}

/** McNemar's test for each pair of models. */
function differences(evaluations: readonly Evaluation[]): string[] {
  return evaluations.flatMap((first, i) =>
    evaluations.slice(i + 1).map((second) => {
      const { onlyFirst, onlySecond, pValue } = compareEvaluations(first, second);
      const names = `${first.metadata.name} and ${second.metadata.name}`;
      const verdict = pValue < 0.05 ? 'differ' : 'do not differ significantly';
      return `\n${names} ${verdict} (McNemar's test, p = ${pValue.toPrecision(2)}): only the first is right for ${onlyFirst} images, only the second for ${onlySecond}.`;
    }),
  );
}

function percent(share: number): string {
  return (100 * share).toFixed(2);
}

function interval({ interval: [low, high] }: Proportion): string {
  return `${percent(low)} to ${percent(high)}`;
}

function cardAccuracy(accuracy: Accuracy | undefined, digits: number): string {
  if (!accuracy) return '';
  return `${accuracy.top1.toFixed(digits)}/${accuracy.top5.toFixed(digits)}`;
}
