import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ImageIndex } from '../../src/index';
import { root, typescript } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';
import { vector } from '../support/vectors';

const kills = Number(process.env.SEMISUP_TEST_KILLS ?? 8);

/** Saves indexes of 1 to 6 thousand entries in turn; each entry's id has the number of the save. */
const program = `
const { ImageIndex } = require('./src/index');
const { vector } = require('./test/support/vectors');

async function main() {
  const path = process.argv.at(-1);
  const embedding = vector(1, 512);
  for (let save = 1; ; save++) {
    const index = ImageIndex.create({ dimensions: 512, model: String(save) });
    const count = 1000 + 1000 * (save % 6);
    await index.add(Array.from({ length: count }, (_, i) => ({ id: save + '/' + i, embedding })));
    process.stdout.write('.');
    await index.save(path);
    await index.close();
  }
}
void main();
`;

describe('a process that is killed while it saves an index', function () {
  this.timeout(120_000);
  const directory = temporaryDirectory();

  it(`leaves the previous file or the new one (${kills} kills)`, async () => {
    const path = join(directory.path, 'photos.index');
    const found = new Set<string>();
    for (let kill = 0; kill < kills; kill++) {
      const args = ['--require', typescript, '--eval', program, '--', path];
      const child = spawn(process.execPath, args, {
        cwd: root,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = once(child, 'exit');
      // Several saves, then a random moment in one or between two.
      for (let saves = 0; saves < 3; saves++) {
        const [next] = (await Promise.race([once(child.stdout, 'data'), exited])) as unknown[];
        assert.ok(Buffer.isBuffer(next), 'the process ended');
      }
      await sleep(Math.random() * 60);
      child.kill('SIGKILL');
      await exited;
      await using index = await ImageIndex.open(path);
      const save = Number(index.model);
      assert.equal(index.size, 1000 + 1000 * (save % 6));
      assert.ok(index.ids().every((id, i) => id === `${save}/${i}`));
      const [best] = await index.search(vector(1, 512), { topk: 1 });
      assert.equal(best?.id, `${save}/0`);
      assert.ok(best.score > 0.9999);
      for (const name of await readdir(directory.path)) found.add(name.replace(/\d.*\./, '…'));
    }
    // The next save removes what killed processes have left.
    await using index = await ImageIndex.open(path);
    await index.save(path);
    assert.deepEqual(await readdir(directory.path), ['photos.index']);
    assert.ok(found.size >= 1);
  });
});
