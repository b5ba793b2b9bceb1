export { accuracyOn, type AccuracyOptions } from './accuracy-on';
export type { Calibration, CalibrationBin } from './calibration';
export type { ClassScores, Confusion } from './confusion';
export { evaluate, type EvaluateOptions, type EvaluationProgress } from './evaluate';
export { toCsv } from './csv';
export { summaryOf } from './summary';
export {
  compareEvaluations,
  type Evaluation,
  type LeftOut,
  type UnreadableImage,
} from './evaluation';
export { isCorrect, type Answer, type PictureResult } from './picture-result';
export type { McNemar, Proportion } from './statistics';
export type { TargetOptions } from './targets';
