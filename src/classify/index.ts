export type { DetailedAnswer, Prediction, Timings } from './answer';
export {
  checkRunOptions,
  Classifier,
  instancesOn,
  type ClassifyOptions,
  type ImageOptions,
  type OpenOptions,
  type RunOptions,
} from './classifier';
