export { classFinder, readClassMap, type ClassOf } from './class-labels';
export { duplicate, malformed } from './errors';
export { openDataset, type DatasetOptions } from './open-dataset';
export { readText, readLines } from './text-file';
export type { Dataset, Sample, SamplesOptions } from './sample';
