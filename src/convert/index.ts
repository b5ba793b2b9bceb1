export { buildModule, buildTorchScript, type BuildOptions, type BuiltModule } from './build';
export {
  checkDeclaredArchitecture,
  declaredArchitecture,
  declaresStride,
} from './declared-architecture';
export { fromKeras } from './keras';
export { randomState } from './random-state';
export { selectState, type SelectedState } from './select-state';
export { toStoredTensor, toStoredTensors } from './stored-tensor';
