import type { Evaluation } from '../evaluate';
import { cardOf, cards } from '../models';

/** What the charts of a report show. NaN is null. */
export interface ReportData {
  readonly models: readonly {
    readonly name: string;
    readonly images: number;
    readonly top1: number;
    /** In millions. */
    readonly parameters: number | null;
    readonly gmacs: number | null;
    readonly ece: number;
    readonly bins: readonly { confidence: number; accuracy: number; count: number }[];
  }[];
  /** The accuracies of the cards on ImageNet's validation set. */
  readonly cards: readonly { name: string; top1: number; parameters: number; gmacs: number }[];
  /** The classes that are recognized worst by the first model; the other numbers are those of each model. */
  readonly classes: readonly {
    readonly label: string;
    readonly images: number;
    readonly f1: readonly number[];
    readonly precision: readonly number[];
    readonly recall: readonly number[];
  }[];
}

/** The number of classes that a report shows. */
const maxClasses = 20;

export function reportData(evaluations: readonly Evaluation[]): ReportData {
  return {
    models: evaluations.map(({ metadata, results, top1, parameters, calibration }) => ({
      name: metadata.name,
      images: results.length,
      top1: top1.share,
      parameters: parameters === undefined ? null : parameters / 1e6,
      gmacs: cardOf(metadata)?.gmacs ?? null,
      ece: calibration.ece,
      bins: calibration.bins
        .filter(({ count }) => count > 0)
        .map(({ confidence, accuracy, count }) => ({ confidence, accuracy, count })),
    })),
    cards: cards.map(({ name, accuracy: { measured, claimed }, parameters, gmacs }) => ({
      ...{ name, parameters: parameters / 1e6, gmacs },
      top1: (measured ?? claimed).top1 / 100,
    })),
    classes: worstClasses(evaluations),
  };
}

function worstClasses(evaluations: readonly Evaluation[]): ReportData['classes'] {
  const [first] = evaluations as [Evaluation];
  return first.classes
    .filter(({ images }) => images > 0)
    .toSorted((a, b) => a.f1 - b.f1 || b.images - a.images)
    .slice(0, maxClasses)
    .map(({ class: { index, label, wnid }, images }) => {
      const scores = evaluations.map(({ classes }) =>
        classes.find((one) => one.class.index === index),
      );
      const of = (name: 'f1' | 'precision' | 'recall') => scores.map((one) => one?.[name] ?? 0);
      return {
        label: label || wnid,
        images,
        ...{ f1: of('f1'), precision: of('precision'), recall: of('recall') },
      };
    });
}
