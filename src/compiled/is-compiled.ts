import { open } from 'node:fs/promises';

/** The first bytes of a compiled model. */
const magic = Buffer.from('SEMISUPC');

/** Whether a file, or its bytes, begin like a compiled model. A file that cannot be read does not. */
export async function isCompiledModel(content: string | Uint8Array): Promise<boolean> {
  if (typeof content !== 'string') return magic.equals(content.subarray(0, magic.length));
  try {
    const file = await open(content);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(magic.length), 0, magic.length, 0);
      return bytesRead === magic.length && magic.equals(buffer);
    } finally {
      await file.close();
    }
  } catch {
    return false;
  }
}
