export { RowsFile } from './rows-file';
export { checkEmbeddingsPath, writeEmbeddings, type ComputeRows } from './write-embeddings';
