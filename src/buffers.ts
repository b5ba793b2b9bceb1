/** Whether the buffer was transferred. Node 20 does not have `ArrayBuffer.prototype.detached`. */
export function isDetached(buffer: ArrayBufferLike): boolean {
  if (buffer.byteLength > 0) return false;
  try {
    return new Uint8Array(buffer).length !== buffer.byteLength;
  } catch {
    return true;
  }
}

/**
 * Whether the buffer can shrink, so that native code that reads it would read memory that is gone. A growable
 * `SharedArrayBuffer` cannot.
 */
export function isResizable(buffer: ArrayBufferLike): boolean {
  return 'resizable' in buffer && buffer.resizable === true;
}
