export { CompiledModule } from './compiled-module';
export { readCompiledMetadata } from './read-metadata';
export { isCompiledModel } from './is-compiled';
export { formatCompiledMetadata, type CompiledMetadata } from './metadata';
