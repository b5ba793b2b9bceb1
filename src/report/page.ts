import { compareEvaluations, type Evaluation } from '../evaluate';
import { cardOf } from '../models';
import { figure, htmlDocument, htmlTable, type Assets } from './document';
import { escapeHtml as escape, percent } from './html';
import type { Pictures, ReportPictures, Selection } from './pictures';
import { reportData } from './report-data';

/** What a page contains besides the evaluations. */
export interface PageContent extends ReportPictures {
  readonly dataset: string;
  readonly date: Date;
  /** Of the first model. */
  readonly selection: Selection;
  readonly assets: Assets;
}

/** The report as one HTML file, which needs no network. */
export function page(evaluations: readonly Evaluation[], content: PageContent): string {
  const { dataset, date, assets } = content;
  return htmlDocument({
    title: `${evaluations.map(({ metadata }) => metadata.name).join(', ')} on ${dataset}`,
    data: reportData(evaluations),
    assets,
    body: `<p>${escape(date.toISOString().slice(0, 10))}. ${counts(evaluations[0]!)}${scoring(evaluations[0]!)}</p>
${modelTable(evaluations)}
${differences(evaluations)}
<h2>Accuracy and size</h2>
<p>Circles without a fill are the accuracies of the models' cards on ImageNet's validation set, as timm measured them.</p>
<div class="figures">
${figure('parameters', 'Top-1 accuracy by parameters')}
${figure('gmacs', 'Top-1 accuracy by GMACs')}
</div>
<h2>Reliability</h2>
<p>How often the answers with a score were right. The area of a point is the share of the images. Below the dashed line the model is too confident.</p>
<div class="square">${figure('reliability', 'Reliability diagram')}</div>
<h2>Classes recognized worst</h2>
<p>Of the classes with images, those with the lowest F1 of ${escape(evaluations[0]!.metadata.name)}.</p>
${classFigure(evaluations)}
${pairs(content)}
${mistakes(evaluations[0]!, content)}`,
  });
}

function counts({ results, unreadable, unlabeled, excluded }: Evaluation): string {
  const leftOut = [
    [unreadable.length, 'could not be read'],
    [unlabeled.length, 'have no label'],
    [excluded.length, 'have no right class'],
  ] as const;
  const parts = leftOut.filter(([count]) => count > 0).map(([count, why]) => `${count} ${why}`);
  return `${results.length} images${parts.length > 0 ? `; of others, ${parts.join(', ')}` : ''}.`;
}

/** How the outputs of the models were averaged and scaled; empty for the default. */
function scoring({ views, temperature }: Evaluation): string {
  const parts = [
    ...(views === 'center' ? [] : [` Views: ${views}.`]),
    ...(temperature === 1 ? [] : [` Temperature: ${temperature}.`]),
  ];
  return parts.join('');
}

function modelTable(evaluations: readonly Evaluation[]): string {
  const titles = [
    ...['model', 'top-1', '95 % interval', 'top-5', 'card top-1 / top-5', 'NLL', 'ECE'],
    'macro F1',
  ];
  const rows = evaluations.map(({ metadata, top1, top5, nll, calibration, macro }) => {
    const { measured, claimed } = cardOf(metadata)?.accuracy ?? {};
    const card = measured ?? claimed;
    return [
      metadata.name,
      percent(top1.share),
      top1.interval.map((bound) => percent(bound)).join(' to '),
      percent(top5.share),
      card ? `${card.top1} / ${card.top5}` : '–',
      nll.toFixed(3),
      percent(calibration.ece),
      percent(macro.f1),
    ];
  });
  return htmlTable(titles, rows);
}

/** McNemar's test for each pair of models. */
function differences(evaluations: readonly Evaluation[]): string {
  return evaluations
    .flatMap((first, i) =>
      evaluations.slice(i + 1).map((second) => {
        const { onlyFirst, onlySecond, pValue } = compareEvaluations(first, second);
        const names = `${first.metadata.name} and ${second.metadata.name}`;
        return `<p>${escape(names)}: only the first is right for ${onlyFirst} images, only the second for ${onlySecond} (McNemar's exact test, p = ${pValue.toPrecision(2)}).</p>`;
      }),
    )
    .join('\n');
}

function classFigure(evaluations: readonly Evaluation[]): string {
  const bars = reportData(evaluations).classes.length * evaluations.length;
  return figure('classes', 'F1 of the classes recognized worst', 90 + 22 * bars);
}

function pairs({ selection, thumbnails }: PageContent): string {
  if (selection.pairs.length === 0) return '';
  const blocks = selection.pairs.map(({ class: actual, predicted, images }) => {
    const photos = images.map((name) => picture(thumbnails, name, actual.label)).join('');
    return `<div class="pair"><h3><span class="right">${escape(actual.label)}</span> taken for <span class="wrong">${escape(predicted.label)}</span></h3><div class="photos">${photos}</div></div>`;
  });
  return `<h2>Confused most</h2>\n<div class="pairs">\n${blocks.join('\n')}\n</div>`;
}

function mistakes({ classes }: Evaluation, content: PageContent): string {
  const { selection, thumbnails, heatMaps } = content;
  if (selection.mistakes.length === 0) return '';
  const labels = new Map(classes.map((one) => [one.class.index, one.class.label]));
  const labelOf = (index: number) => labels.get(index) ?? `class ${index}`;
  const blocks = selection.mistakes.map(({ name, labels, classes, scores }) => {
    const actual = labels.map(labelOf).join(', ');
    const predicted = labelOf(classes[0]!);
    const maps = heatMaps.size > 0 ? picture(heatMaps, name, `heat map of ${predicted}`) : '';
    return `<figure><div class="photos">${picture(thumbnails, name, actual)}${maps}</div><figcaption><span class="wrong">${escape(predicted)}</span> ${percent(scores[0]!, 1)}<br>is <span class="right">${escape(actual)}</span><small>${escape(name)}</small></figcaption></figure>`;
  });
  const what = heatMaps.size > 0 ? ' The heat map shows what speaks for the predicted class.' : '';
  return `<h2>Worst mistakes</h2>\n<p>The wrong answers with the highest scores.${what}</p>\n<div class="mistakes">\n${blocks.join('\n')}\n</div>`;
}

function picture(pictures: Pictures, name: string, alt: string): string {
  const url = pictures.get(name);
  return url === undefined ? '' : `<img src="${url}" alt="${escape(alt)}" title="${escape(name)}">`;
}
