export type { SlotEvents, SwapEvent, SwapFailure } from './events';
export type { VersionedResult } from './replaceable-model';
export { ModelSlot, type SwapResult } from './model-slot';
export type {
  SlotOpenOptions,
  SlotOptions,
  SwapContext,
  SwapOptions,
  WatchOptions,
} from './options';
export type { ActiveModel } from './model-version';
export type { ModelOpener, ModelSource } from './source';
