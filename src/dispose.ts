/* eslint-disable no-restricted-syntax -- The only place that uses the symbols themselves. */
/**
 * The keys of the methods that `using` and `await using` call. Before Node 24, contexts of `node:vm`, in which
 * test runners such as Vitest and Jest run, have no `Symbol.dispose`. What esbuild, oxc and Babel compile `using`
 * to looks up these registered symbols there. What TypeScript compiles it to throws, so this package itself
 * does not use it.
 */
export const dispose: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for('Symbol.dispose');

/** See `dispose`. */
export const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose');
