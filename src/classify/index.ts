export type { DetailedAnswer, Prediction, Timings } from './answer';
export {
  Classifier,
  type ClassifyOptions,
  type ImageOptions,
  type OpenOptions,
} from './classifier';
export { instancesOn } from './prepare';
export { checkRunOptions, type RunOptions } from './run-options';
