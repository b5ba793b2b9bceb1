import { runInSlices, type Sliced } from '../checkpoint/slices';
import type { Pool, Selection } from '../pseudo-labels';
import { readAssets } from '../report';
import { selectionPage, type ShownClass, type ShownImage } from './selection-page';
import { drawThumbnails } from './selection-pictures';
import type { SelectionReportOptions } from './selection-report-options';
import { summarizeSelection, type ClassSummary, type SelectionSummary } from './selection-summary';
import { spreadRanks } from './spread-ranks';

/** The number of classes that a report has pictures of. */
const maxClasses = 50;

/** The HTML of a report. */
export async function composeSelectionReport(
  selection: Selection,
  pool: Pool,
  options: SelectionReportOptions,
): Promise<string> {
  const { classes, labels, picturesPerClass = 24, signal } = options;
  const title = options.title ?? `Images selected from ${pool.names.join(', ')}`;
  const summary = await runInSlices(summarizeSelection(selection, classes, labels));
  signal?.throwIfAborted();
  const shown = await runInSlices(
    sampleImages(selection, chooseClasses(summary), picturesPerClass),
  );
  const names = new Set(shown.flatMap(({ images }) => images.map(({ image }) => image)));
  const thumbnails = await drawThumbnails(pool, names, options);
  const assets = await readAssets('selection-charts.js');
  signal?.throwIfAborted();
  return selectionPage({
    ...{ title, selection, poolSize: pool.size, summary, shown, labels, thumbnails, assets },
  });
}

/**
 * The classes that have images, in their order; of more than can be shown those that are the most doubtful: with the lowest
 * precision, or with the lowest median score if no true class is known.
 */
function chooseClasses({ classes }: SelectionSummary): readonly ClassSummary[] {
  const filled = classes.filter(({ count }) => count > 0);
  if (filled.length <= maxClasses) return filled;
  // A class without a precision follows those that have one.
  const quality = ({ precision, median }: ClassSummary) =>
    precision.total > 0 ? precision.share : 1 + median;
  return filled
    .toSorted((a, b) => quality(a) - quality(b))
    .slice(0, maxClasses)
    .toSorted((a, b) => a.index - b.index);
}

/** Images of each class, evenly spread over its ranks. */
function* sampleImages(
  selection: Selection,
  classes: readonly ClassSummary[],
  picturesPerClass: number,
): Sliced<ShownClass[]> {
  const shown: ShownClass[] = [];
  for (const summary of classes) {
    const ranks = spreadRanks(summary.count, picturesPerClass);
    const images: ShownImage[] = [];
    let rank = 0;
    for (const { name, score } of selection.pairsOf(summary.index)) {
      if (++rank % 64 === 0) yield;
      if (rank !== ranks[images.length]) continue;
      images.push({ rank, image: name.toString('utf8'), score });
    }
    shown.push({ summary, images });
    yield;
  }
  return shown;
}
