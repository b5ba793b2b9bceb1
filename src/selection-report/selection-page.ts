import type { Proportion } from '../evaluate';
import type { Selection } from '../pseudo-labels';
import { escapeHtml, figure, htmlDocument, htmlTable, percent, type Assets } from '../report';
import type { Thumbnails } from './selection-pictures';
import type { ClassSummary, RankSummary, SelectionSummary } from './selection-summary';

/** An image of the page. */
export interface ShownImage {
  /** Within its class, from 1. */
  readonly rank: number;
  readonly image: string;
  readonly score: number;
}

/** A class of which the page has pictures. */
export interface ShownClass {
  readonly summary: ClassSummary;
  /** Best first. */
  readonly images: readonly ShownImage[];
}

/** What a page contains. */
export interface SelectionPageContent {
  readonly title: string;
  readonly selection: Selection;
  /** The images of the pool, if it knows them. */
  readonly poolSize: number | undefined;
  readonly summary: SelectionSummary;
  readonly shown: readonly ShownClass[];
  /** The true classes of images, by name. */
  readonly labels: ReadonlyMap<string, string> | undefined;
  readonly thumbnails: Thumbnails;
  readonly assets: Assets;
}

/** The report of a selection as one HTML file, which needs no network. */
export function selectionPage(content: SelectionPageContent): string {
  const { title, summary, shown, assets } = content;
  return htmlDocument({
    title,
    data: { ranks: summary.ranks.map(toPoint) },
    assets,
    body: `${paragraph(counts(content))}
${precisionByRank(summary)}
<h2>Score by rank</h2>
<p>The softmax of the class. The line is the median of the classes that have as many images, the band reaches from the lower to the upper quartile.</p>
${figure('score', 'Score by rank')}
<h2>Classes</h2>
${classTable(content)}
<h2>Selected images</h2>
${paragraph(legend(content))}
${shown.map((one) => classSection(one, content)).join('\n')}`,
  });
}

/** NaN becomes null in JSON. */
function toPoint({ rank, classes, scores, precision }: RankSummary): object {
  const { correct, total, share, interval } = precision;
  return {
    rank,
    classes,
    scores,
    precision: total > 0 ? { correct, total, share, interval } : null,
  };
}

function counts({ selection, poolSize, summary }: SelectionPageContent): string {
  const { size, imageCount, imagesPerClass, classesPerImage, balanced, numClasses } = selection;
  const { precision, multiLabelCount } = summary;
  const pool = poolSize === undefined ? 'the pool' : `the ${number(poolSize)} images of the pool`;
  const labels =
    multiLabelCount === 0
      ? 'each for one class'
      : `${number(multiLabelCount)} of them for several classes, which makes ${number(size)} labels`;
  const rule = balanced
    ? `for each of the ${number(numClasses)} classes those with the K = ${number(imagesPerClass)} highest scores (balanced)`
    : `those with the ${number(numClasses)} times K = ${number(imagesPerClass)} highest scores of all classes (not balanced)`;
  const right =
    precision.total === 0
      ? ''
      : ` Of the ${number(precision.total)} labels whose images have a known class, ${percent(precision.share)} are right (95 % interval ${intervalText(precision.interval)}).`;
  return `From ${pool}, ${number(imageCount)} were selected, ${labels}: ${rule}. Of an image, the P = ${number(classesPerImage)} most probable classes count.${right}`;
}

function precisionByRank({ ranks, precision }: SelectionSummary): string {
  if (precision.total === 0) return '';
  const last = ranks.at(-1)!;
  const early = ranks.find(({ rank }) => 10 * rank >= last.rank) ?? last;
  const texts = [early, last]
    .filter(({ rank, precision: { total } }, i) => total > 0 && (i === 1 || rank < last.rank))
    .map((one) => `${percent(one.precision.share)} of the first ${number(one.rank)}`);
  return `<h2>Precision by rank</h2>
${paragraph(`The share of right images among the first ones of each class${texts.length > 0 ? `: ${texts.join(', ')}` : ''}. The band is the 95 % interval.`)}
${figure('precision', 'Precision by rank')}`;
}

function classTable({ summary, shown }: SelectionPageContent): string {
  const hasPrecision = summary.precision.total > 0;
  const linked = new Set(shown.map((one) => one.summary));
  const titles = [
    ...['class', 'selected', ...(hasPrecision ? ['precision', '95 % interval'] : [])],
    ...['highest score', 'median', 'lowest'],
  ];
  const rows = summary.classes.map((one) => [
    linked.has(one) ? { text: one.name, id: idOf(one) } : one.name,
    number(one.count),
    ...(hasPrecision ? precisionCells(one.precision) : []),
    ...[one.highest, one.median, one.lowest].map((score) => percent(score)),
  ]);
  return `<div class="classes">${htmlTable(titles, rows)}</div>`;
}

function precisionCells({ total, share, interval }: Proportion): string[] {
  return total === 0 ? ['–', '–'] : [percent(share), intervalText(interval)];
}

function legend({ summary, shown }: SelectionPageContent): string {
  const { classes, precision } = summary;
  const filled = classes.filter(({ count }) => count > 0).length;
  const order = precision.total > 0 ? 'precision' : 'median score';
  return [
    'Each class from best to worst: the rank and the score of images that are evenly spread over the ranks.',
    ...(precision.total > 0 ? ['A wrong image has a frame, and its true class below.'] : []),
    ...(shown.length < filled
      ? [
          `The ${number(shown.length)} classes with the lowest ${order}; ${number(filled - shown.length)} others are left out.`,
        ]
      : []),
  ].join(' ');
}

function classSection({ summary, images }: ShownClass, content: SelectionPageContent): string {
  const { name, count, precision } = summary;
  const right =
    precision.total > 0
      ? `, ${number(precision.correct)} of ${number(precision.total)} right: ${percent(precision.share)}`
      : '';
  return `<section id="${idOf(summary)}">
<h3>${escapeHtml(name)} <small>${keepPercent(`${number(count)} selected${right}`)}</small></h3>
<ol class="ranks">
${images.map((image) => tile(image, name, content)).join('\n')}
</ol>
</section>`;
}

function tile(
  { image, rank, score }: ShownImage,
  className: string,
  { labels, thumbnails }: SelectionPageContent,
): string {
  const label = labels?.get(image);
  const isWrong = label !== undefined && label !== className;
  const mark = isWrong ? `<strong title="${escapeHtml(label)}">${escapeHtml(label)}</strong>` : '';
  return `<li${isWrong ? ' class="mistaken"' : ''} title="${escapeHtml(image)}">${picture(image, thumbnails)}<span>#${rank}</span> <span>${percent(score, 1)}</span>${mark}</li>`;
}

function picture(image: string, thumbnails: Thumbnails): string {
  const url = thumbnails.get(image);
  if (url !== undefined) return `<img src="${url}" alt="${escapeHtml(image)}" loading="lazy">`;
  const problem = thumbnails.has(image) ? 'cannot be read' : 'is not in the pool';
  return `<div class="blank">${problem}</div>`;
}

function idOf({ index }: ClassSummary): string {
  return `class-${index}`;
}

function paragraph(text: string): string {
  return `<p>${keepPercent(text)}</p>`;
}

/** Without a line break before a percent sign. */
function keepPercent(text: string): string {
  return text.replaceAll(' %', '&nbsp;%');
}

function intervalText(interval: readonly number[]): string {
  return interval.map((bound) => percent(bound)).join(' to ');
}

function number(value: number): string {
  return value.toLocaleString('en');
}
