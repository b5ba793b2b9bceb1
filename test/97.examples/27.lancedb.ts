import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ImageIndex } from '../../src/index';
import { lanceOrSkip } from '../support/lancedb';
import { root } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';
import { vectorEntries } from '../support/vectors';

describe('examples/lancedb', function () {
  this.timeout(120_000);
  const directory = temporaryDirectory();

  for (const count of [100, 3000]) {
    it(`finds the neighbors that an index of ${count} images finds`, async function () {
      const modules = lanceOrSkip(this);
      // Packages that a module imports are not searched in NODE_PATH.
      await mkdir(join(directory.path, 'node_modules'));
      const link = (target: string, name: string) =>
        symlink(target, join(directory.path, 'node_modules', name), 'junction');
      await link(root, 'semisup');
      await link(join(modules, '@lancedb'), '@lancedb');
      const program = join(directory.path, 'lancedb.mjs');
      await copyFile(join(root, 'examples', 'lancedb.mjs'), program);

      await using index = ImageIndex.create({ dimensions: 64 });
      await index.add(vectorEntries(count, 64));
      const path = join(directory.path, 'photos.index');
      await index.save(path);
      const args = [program, path, join(directory.path, 'database')];
      for (let run = 0; run < 2; run++) {
        const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
        assert.equal(status, 0, stderr);
        const neighbors = await index.search((await index.embedding('0'))!, { topk: count });
        const ranking = neighbors.map(({ id, score }) => `${score.toFixed(4)}  ${id}`);
        const lines = stdout.trim().split('\n');
        assert.equal(lines.length, 5);
        assert.equal(lines[0], ranking[0]);
        // Its index is approximate: it may miss neighbors, but the cosines are exact.
        if (count < 256) assert.deepEqual(lines, ranking.slice(0, 5));
        else assert.ok(lines.every((line) => ranking.includes(line)));
      }
    });
  }
});
