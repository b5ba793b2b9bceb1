export { checkpointsDirectory as cacheDirectory } from './cache';
export { hub, type LoadOptions, type PrepareOptions } from './hub';
export type { HubOptions, HubProgress, WeightsOptions } from './options';
