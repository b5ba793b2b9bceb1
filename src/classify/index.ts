export type { DetailedAnswer, Prediction, Timings } from './answer';
export { Classifier, type ClassifyOptions, type ImageOptions } from './classifier';
