export type { DetailedAnswer, Prediction, Timings } from './answer';
export {
  checkRunOptions,
  Classifier,
  type ClassifyOptions,
  type ImageOptions,
  type OpenOptions,
  type RunOptions,
} from './classifier';
