export type { RegularizationScore } from './cross-validate';
export type { LabelIssue } from './label-issues';
export type { TaughtModel } from './taught-model';
export { teach } from './teach';
export type { TeachOptions, TeachProgress } from './teach-options';
