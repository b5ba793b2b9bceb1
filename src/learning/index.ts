export { checkLabels, classNamesOf } from './class-names';
export { hashImages } from './hash-images';
export { readContent } from './image-content';
export { fileOfModel, modelNameOf } from './model-file';
export { ProgressMeter, type Counts } from './progress-meter';
export { contentsByLabel, readPhotos, type Photo, type PhotoList } from './read-photos';
