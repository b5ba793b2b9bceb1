export { batch } from './batch';
export {
  decode,
  decodeFile,
  decodeUnlessJpeg,
  type DecodeOptions,
  type EncodedFile,
} from './decode';
export type { ImageDataLike, ImageInput } from './input';
export { deadLeavesImages } from './dead-leaves';
