export {
  buildModule,
  buildTorchScript,
  checkNumClasses,
  type BuildOptions,
  type BuiltModule,
} from './build';
export {
  card,
  cards,
  describe,
  list,
  type Accuracy,
  type License,
  type ModelCard,
  type Robustness,
} from './cards';
export { classes, classesOf, type ImageClass } from './classes';
export { fromKeras } from './keras';
export {
  metadataFile,
  formatMetadata,
  parseMetadata,
  type ModelMetadata,
  type WeightsSource,
} from './metadata';
export { selectState, type SelectedState } from './select-state';
export {
  checkDeclaredArchitecture,
  declaredArchitecture,
  declaresStride,
} from './declared-architecture';
export { describeModel, type ModelDescription } from './own-model';
export type { ArchitectureName } from './resnet';
export type { CheckpointOrigin, FileOrigin, NpmOrigin } from './checkpoint-origin';
