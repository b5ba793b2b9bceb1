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

  const start = (out: string) =>
    new Child('finetune.ts', [path('photos'), path('base.pt'), path(out)], {
      env: { SEMISUP_LIBTORCH: libTorchDirectory() },
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

  it(`ends with the same bytes as one that was not, after ${kills} kills`, async () => {
    await saveGeneratedModel(path('base.pt'), 'resnet18');
    for (const color of colors) {
      for (let i = 0; i < 8; i++)
        await saveColor(path(`photos/${color}/${i}.png`), color, 120 + 16 * i);
    }
    for (const run of ['whole', 'killed']) await saveColor(path(`${run}/unused.png`), 'red');
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
});
