/** The reason of a system's or a library's error in a few words: its message, or else its code. */
export function reason(cause: unknown): string {
  const { message, code } = cause as NodeJS.ErrnoException;
  return (message || (code ?? 'unknown reason')).replace(/\.$/, '');
}
