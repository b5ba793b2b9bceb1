export type { SlotEvents, SwapEvent, SwapFailure } from './events';
export type { VersionedAnswer } from './model-handle';
export { ModelSlot, type Swapped } from './model-slot';
export type {
  SlotOpenOptions,
  SlotOptions,
  SwapContext,
  SwapOptions,
  WatchOptions,
} from './options';
export type { Serving } from './serving';
export type { ModelOpener, ModelSource } from './source';
