import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from '../support/child';
import { colors, saveColor } from '../support/color-model';
import { saveGeneratedModel } from '../support/generated-model';
import { libTorchDirectory } from '../support/libtorch-directory';
import { Random } from '../support/random';
import { temporaryDirectory } from '../support/temporary';

const kills = Number(process.env.SEMISUP_TEST_KILLS ?? 4);

describe('a training that is killed', function () {
  this.timeout(120_000 + 20_000 * kills);
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);

  const start = (out: string, limit?: string) =>
    new Child('finetune.ts', [path('photos'), path('base.pt'), path(out)], {
      env: { SEMISUP_LIBTORCH: libTorchDirectory() },
      limit,
    });
  const files = async (run: string) =>
    await Promise.all(
      [`${run}/colors.pt`, `${run}/colors.pt.run/best.safetensors`].map((name) =>
        readFile(path(name)),
      ),
    );
  const stateTime = async () =>
    await stat(path('killed/colors.pt.run/last.safetensors')).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    );

  beforeEach(async () => {
    await saveGeneratedModel(path('base.pt'), 'resnet18');
    for (const color of colors) {
      for (let i = 0; i < 8; i++)
        await saveColor(path(`photos/${color}/${i}.png`), color, 120 + 16 * i);
    }
    for (const run of ['whole', 'killed']) await saveColor(path(`${run}/unused.png`), 'red');
  });

  it(`ends with the same bytes as one that was not, after ${kills} kills`, async () => {
    await start('whole/colors.pt').ends();
    const random = new Random(5);
    const states = new Set([await stateTime()]);
    for (let i = 0; i < kills; i++) {
      const child = start('killed/colors.pt');
      await child.says('train');
      // Every second one after its first epoch, but before the last one can end.
      if (i % 2 === 0 && states.size < 4) {
        const before = await stateTime();
        while (child.process.exitCode === null && (await stateTime()) === before) await sleep(5);
      }
      await sleep(300 * random.next());
      await child.kill();
      states.add(await stateTime());
    }
    assert.ok(states.size > 1, 'no epoch was completed before a kill');
    await start('killed/colors.pt').ends();
    const [whole, killed] = [await files('whole'), await files('killed')];
    assert.equal(whole.length, killed.length);
    whole.forEach((bytes, i) => {
      assert.ok(bytes.equals(killed[i]!), `file ${i} differs`);
    });
  });

  it('goes on after a disk that was full, and has lost no epoch that it had written', async function () {
    if (process.platform === 'win32') {
      this.test!.title += ' (skipped: Windows has no ulimit)';
      return this.skip();
    }
    await start('whole/colors.pt').ends();
    // In units of 512 bytes: room for the best weights, 45 MB, but not for the state of the run.
    const output = await start('killed/colors.pt', 'ulimit -f 140000').ends();
    assert.match(
      output,
      /ERR_SEMISUP_TRAINING_WRITE .*last\.safetensors could not be written: .* it goes on after the last epoch/,
    );
    assert.equal(await stateTime(), 0);
    const child = start('killed/colors.pt');
    await child.says('validate 6\n');
    while (child.process.exitCode === null && (await stateTime()) === 0) await sleep(5);
    await child.kill();
    const state = await readFile(path('killed/colors.pt.run/last.safetensors'));
    assert.match(
      await start('killed/colors.pt', 'ulimit -f 140000').ends(),
      /ERR_SEMISUP_TRAINING_WRITE/,
    );
    assert.deepEqual(await readFile(path('killed/colors.pt.run/last.safetensors')), state);
    await start('killed/colors.pt').ends();
    const [whole, killed] = [await files('whole'), await files('killed')];
    whole.forEach((bytes, i) => {
      assert.ok(bytes.equals(killed[i]!), `file ${i} differs`);
    });
  });
});
