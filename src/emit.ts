import type { EventEmitter } from 'node:events';

/**
 * Emits an event. A listener that throws must not make the work fail that the event reports: its error is rethrown
 * as an uncaught exception.
 */
export function emit(emitter: EventEmitter, name: string, ...args: readonly unknown[]): void {
  try {
    emitter.emit(name, ...args);
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}
