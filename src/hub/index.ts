export { checkpointsDirectory as cacheDirectory } from './cache';
export { hub, openScriptModule, type LoadOptions, type PrepareOptions } from './hub';
export type { HubOptions, HubProgress, WeightsOptions } from './options';
