import { describeThrown } from '../options';
import { deniedReason } from '../permission';

/** The message of a system or library error without its final period, or else its code. */
export function errorReason(cause: unknown): string {
  const message = messageOf(cause) ?? '';
  const text = message === '' ? describeThrown(cause) : message;
  return deniedReason(cause) ?? text.replace(/\.$/, '');
}

/** The message or the code. Streams and functions of the caller may throw any value. */
function messageOf(cause: unknown): string | undefined {
  if (typeof cause !== 'object' || cause === null) return undefined;
  try {
    const { message, code } = cause as NodeJS.ErrnoException;
    return [message, code].find((text) => typeof text === 'string' && text !== '');
  } catch {
    return undefined;
  }
}
