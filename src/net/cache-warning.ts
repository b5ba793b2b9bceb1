const warned = new Set<string>();

/**
 * Emits the warning `SEMISUP_CACHE`, once per process for each directory: what would be kept there cannot be
 * written, and so is repeated by each process.
 *
 * @param message what could not be written, the consequence and the remedy, as full sentences
 */
export function warnAboutCache(directory: string, message: string): void {
  if (warned.has(directory)) return;
  warned.add(directory);
  process.emitWarning(message, { code: 'SEMISUP_CACHE' });
}
