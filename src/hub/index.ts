export { checkpointsFolder as cacheFolder } from './cache';
export { hub, type LoadOptions } from './hub';
export type { HubOptions, HubProgress, WeightsOptions } from './options';
