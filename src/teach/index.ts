export type { RegularizationScore } from './cross-validate';
export type { LabelIssue } from './label-issues';
export { teach, type TaughtModel } from './teach';
export type { TeachOptions, TeachProgress } from './teach-options';
