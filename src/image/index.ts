export { batch, checkTransform } from './batch';
export {
  decode,
  decodeFile,
  decodeUnlessJpeg,
  type DecodeOptions,
  type DecodedPixels,
} from './decode';
export { imageExtensions, isImageName } from './file-names';
export type { ClampedPixels, ImageDataLike, ImageInput, ImageStream, SharpInstance } from './input';
export { completeLimits, type DecodeLimits } from './limits';
export type { EncodedFile } from './read';
export { deadLeavesImages } from './dead-leaves';
export { completeViews, viewCounts } from './views';
