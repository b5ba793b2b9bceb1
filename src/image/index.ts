export { batch } from './batch';
export { decode, type DecodeOptions } from './decode';
export type { ImageDataLike, ImageInput } from './input';
export { fallenLeaves } from './leaves';
