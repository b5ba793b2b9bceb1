import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { builds, electronOrSkip, majors } from './support/builds';
import { install, switches } from './support/installation';
import { ownLines, runElectron } from './support/run-electron';

interface Decoded {
  /** SHA-256 of the pixels. */
  readonly sha256: string;
  /** Resident memory in MB after 100 images, and after all. */
  readonly before: number;
  readonly after: number;
}

/** Of examples/clock.jpg as Pillow decodes it. */
const clockPixels = '82e07fba8028ae3cd7c99985e532fec2e49a9b6c131b9f6d91d5b427ff46f90a';

for (const major of majors) {
  describe(`decoding in Electron ${builds[major].version}`, () => {
    for (const kind of ['main', 'utility']) {
      it(`prints nothing and does not leak in the ${kind} process`, async function () {
        const electron = await electronOrSkip(this, major);
        const installation = await install(electron);
        try {
          await symlink(join(__dirname, 'apps', 'decode'), join(installation.resources, 'app'));
          const env = { DECODE_PROCESS: kind, DECODE_COUNT: '600' };
          const result = await runElectron(installation.executable, switches, env);
          const { code, signal, stdout, stderr } = result;
          assert.deepEqual(
            { code, signal, stderr: ownLines(stderr).slice(0, 5) },
            { code: 0, signal: null, stderr: [] },
          );
          const { sha256, before, after } = JSON.parse(stdout) as Decoded;
          assert.equal(sha256, clockPixels);
          // An image that is not freed costs about 0.1 MB.
          assert.ok(after - before < 25, `resident memory grew from ${before} to ${after} MB`);
        } finally {
          await installation.remove();
        }
      });
    }
  });
}
