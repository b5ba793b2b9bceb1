import { Executor, openEngine } from '../native';
import { parseCompiledMetadata, type CompiledMetadata } from './metadata';
import { explainOpenError } from './open-error';

/**
 * Reads the metadata of a compiled model, also of one for other processors.
 *
 * @throws ModelError if it is damaged
 */
export async function readCompiledMetadata(path: string): Promise<CompiledMetadata> {
  const executor = Executor.start(openEngine(), { threads: 1 });
  try {
    return parseCompiledMetadata(await executor.native.readMetadata(executor.handle, path));
  } catch (error) {
    throw explainOpenError(error, path);
  } finally {
    await executor.close();
  }
}
