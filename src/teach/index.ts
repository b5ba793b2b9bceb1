export { unsupportedModel } from './base-model';
export { classNamesOf } from './class-names';
export type { RegularizationScore } from './cross-validate';
export { readContent } from './image-content';
export type { LabelIssue } from './label-issues';
export { ProgressMeter } from './progress-meter';
export { teach, type TaughtModel } from './teach';
export type { TeachOptions, TeachProgress } from './teach-options';
export { modelNameOf } from './write-model';
