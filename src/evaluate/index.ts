export { accuracyOn, type AccuracyOptions } from './accuracy-on';
export { calibrate, type Calibration, type CalibrationBin } from './calibration';
export type { ClassScores, Confusion } from './confusion';
export { evaluate } from './evaluate';
export type { EvaluateOptions, EvaluationProgress } from './evaluate-options';
export { toCsv } from './csv';
export { summaryOf } from './summary';
export {
  compareEvaluations,
  summarize,
  type Evaluation,
  type LeftOut,
  type UnreadableImage,
} from './evaluation';
export { isCorrect, toAnswer, type Answer, type PictureResult } from './picture-result';
export { proportion, type McNemar, type Proportion } from './statistics';
export type { TargetOptions } from './targets';
export { writeOutput } from './write-output';
