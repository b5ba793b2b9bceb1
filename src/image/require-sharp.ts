import type sharp from 'sharp';
import { separateGlib } from './separate-glib';

/** Loads sharp, in Electron so that it does not conflict with GTK. */
export function requireSharp(): typeof sharp {
  const load = () => require('sharp') as typeof sharp;
  return separateGlib() ? withoutWarning('SharpElectronLinux', load) : load();
}

/** sharp warns about the conflict in any Electron on Linux, even if `separateGlib` has resolved it. */
function withoutWarning<T>(code: string, load: () => T): T {
  const emitWarning = process.emitWarning.bind(process) as (...args: unknown[]) => void;
  process.emitWarning = (...args: unknown[]) => {
    const [, options] = args as [unknown, { readonly code?: string } | undefined];
    if (options?.code !== code) emitWarning(...args);
  };
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
