import { deniedReason } from '../permission';

/** The message of a system or library error without its final period, or else its code. */
export function errorReason(cause: unknown): string {
  const { message, code } = cause as NodeJS.ErrnoException;
  return deniedReason(cause) ?? (message || (code ?? 'unknown error')).replace(/\.$/, '');
}
