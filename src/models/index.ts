export {
  card,
  cards,
  findCard,
  describe,
  list,
  type Accuracy,
  type License,
  type ModelCard,
  type Robustness,
} from './cards';
export { classes, classesOf, type ImageClass } from './classes';
export type { FeatureInfo } from './feature-info';
export { findClass, matchClasses, nearestClass } from './find-class';
export { checkInputOptions, resizeInput, type InputOptions } from './input-size';
export {
  maxClasses,
  metadataFile,
  formatMetadata,
  parseMetadata,
  type ModelMetadata,
  type WeightsSource,
} from './metadata';
export { checkNumClasses } from './num-classes';
export { describeModel, type ModelDescription } from './own-model';
export { isArchitectureName, type ArchitectureName } from './resnet';
export { imagenetTransform } from './transform';
export type { CheckpointOrigin, FileOrigin, NpmOrigin } from './checkpoint-origin';
export { cardOf, countParameters, featureInfo } from './model-facts';
