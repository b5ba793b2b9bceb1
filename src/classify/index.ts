export type { DetailedAnswer, Prediction, Timings } from './answer';
export {
  Classifier,
  type ClassifyOptions,
  type ImageOptions,
  type OpenOptions,
} from './classifier';
