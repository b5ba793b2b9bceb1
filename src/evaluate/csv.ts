import type { Evaluation } from './evaluation';

const columns = [
  ...['model', 'top1', 'top1_err', 'top5', 'top5_err'],
  ...['param_count', 'img_size', 'crop_pct', 'interpolation'],
];

/**
 * Evaluations as CSV in the columns of timm's result tables: accuracies and errors in percent, parameters in millions, the
 * side of the input in pixels.
 */
export function toCsv(evaluations: readonly Evaluation[]): string {
  const rows = evaluations.map(({ metadata, top1, top5, parameters }) => {
    const { crop, resize, interpolation = 'bilinear' } = metadata.transform;
    const errors = [top1, top5].flatMap(({ share }) => [
      (100 * share).toFixed(3),
      (100 * (1 - share)).toFixed(3),
    ]);
    const count = parameters === undefined ? '' : (parameters / 1e6).toFixed(2);
    const ratio = String(Number((crop / resize).toFixed(3)));
    return [quote(metadata.name), ...errors, count, String(crop), ratio, interpolation];
  });
  return [columns, ...rows].map((row) => `${row.join(',')}\n`).join('');
}

/** A name of a model of the user's own may contain commas and quotes. */
function quote(text: string): string {
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
