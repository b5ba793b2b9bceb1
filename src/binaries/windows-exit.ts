/**
 * On Windows, calls `stop` when the process exits. A process that exits there terminates its other threads
 * before it runs destructors, and so before the addon could stop them. On other systems this does nothing,
 * because the addon stops its threads itself (`ExitGuard` in binding/).
 *
 * @returns a function that cancels the call
 */
export function onWindowsExit(stop: () => void): () => void {
  if (process.platform === 'win32') process.once('exit', stop);
  return () => process.off('exit', stop);
}
