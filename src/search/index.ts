export { ImageIndex } from './image-index';
export type {
  DuplicatesOptions,
  DuplicatesProgress,
  Embedding,
  EntryMetadata,
  ImageIndexOpenOptions,
  ImageIndexOptions,
  IndexEntry,
  Neighbor,
  SaveOptions,
  SearchOptions,
} from './types';
