/**
 * The device of a model: `'auto'` is the first GPU if one is usable, otherwise the CPU; `'cuda'` is the
 * first GPU. `CUDA_VISIBLE_DEVICES` determines the GPUs and their order.
 */
export type DeviceName = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`;
