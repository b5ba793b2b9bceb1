import assert from 'node:assert/strict';
import { ModelError } from '../../src/errors';
import { ScriptModule } from '../../src/torch';

/** Asserts that loading fails with a typed error whose message matches. */
export async function assertRefused(archive: Uint8Array, what: RegExp): Promise<void> {
  await assert.rejects(ScriptModule.load(archive), (error) => {
    assert.ok(error instanceof ModelError, String(error));
    assert.equal(error.code, 'ERR_SEMISUP_MODEL_FORMAT');
    assert.match(error.what, what);
    return true;
  });
}

export async function assertLoads(archive: Uint8Array): Promise<void> {
  const module = await ScriptModule.load(archive);
  await module.close();
}
