import assert from 'node:assert/strict';
import { join } from 'node:path';
import { deadLeavesImages } from '../../src/image';
import { completeAugment, sampleOperations } from '../../src/augment';
import {
  augmentImages,
  Executor,
  openEngine,
  type Operation,
  type Operations,
} from '../../src/native';
import type { Pixels } from '../../src/types';
import { imagenet } from '../support/image-goldens';
import { sha256 } from '../support/pixels';
import { PythonServer, pythonFails } from '../support/python';
import { Random } from '../support/random';

const script = join(__dirname, 'reference.py');
const missing = pythonFails([script]);

const title = 'augmented images compared with torchvision';

(missing ? describe.skip : describe)(
  missing ? `${title} (skipped: ${missing})` : title,
  function () {
    this.timeout(180_000);
    let python: PythonServer;
    let executor: Executor;
    let images: Pixels[];

    before(async () => {
      python = new PythonServer(script, ['serve']);
      executor = Executor.start(openEngine());
      images = await deadLeavesImages(4);
    });
    after(async () => {
      await executor?.close();
      await python?.[Symbol.asyncDispose]();
    });

    async function compare(operations: Operations[], size: number): Promise<void> {
      using tensor = await augmentImages(executor, images, operations, { ...imagenet, size });
      const sources = images.map(({ data, ...rest }) => ({
        ...rest,
        data: Buffer.from(data).toString('base64'),
      }));
      const expected = await python.call('augment', sources, operations, size, 'bilinear');
      assert.equal(sha256(await tensor.data()), expected, JSON.stringify(operations));
    }

    it('are equal with the operations of the policy', async () => {
      const policy = completeAugment(
        {
          colorJitter: { brightness: 0.4, contrast: 0.4, saturation: [0, 3], hue: 0.5 },
          randAugment: { numOps: 3, magnitude: 30 },
        },
        { size: 96, resize: 110 },
      );
      for (let epoch = 0; epoch < 40; epoch++) {
        const operations = images.map((image, index) =>
          sampleOperations(policy, image, { seed: 7, epoch, index }),
        );
        await compare(operations, policy.size);
      }
    });

    it('are equal with random values of each operation', async () => {
      const random = new Random(5);
      const between = (least: number, most: number) => least + (most - least) * random.next();
      const values: Record<string, () => number> = {
        brightness: () => between(0, 4),
        contrast: () => between(0, 4),
        saturation: () => between(0, 4),
        sharpness: () => between(0, 4),
        hue: () => between(-0.5, 0.5),
        shearX: () => between(-1, 1),
        shearY: () => between(-1, 1),
        translateX: () => Math.round(between(-300, 300)),
        translateY: () => Math.round(between(-300, 300)),
        rotate: () => between(-360, 360),
        posterize: () => 1 + random.below(8),
        solarize: () => between(0, 256),
      };
      const size = 256;
      const crop = { top: 0, left: 0, height: size, width: size };
      for (const [name, valueOf] of Object.entries(values)) {
        for (let round = 0; round < 5; round++) {
          const operations = images.map((): Operations => [
            crop,
            { name, value: valueOf() } as Operation,
          ]);
          await compare(operations, size);
        }
      }
    });

    it('are equal with random crops', async () => {
      const random = new Random(6);
      for (let round = 0; round < 20; round++) {
        const size = 1 + random.below(150);
        const operations = images.map(({ width, height }): Operations => {
          const top = random.below(height + size) - size;
          const left = random.below(width + size) - size;
          return [
            {
              ...{ top, left },
              height: 1 + random.below(height + size - top),
              width: 1 + random.below(width + size - left),
              paddingMode: random.pick(['constant', 'reflect'] as const),
            },
          ];
        });
        await compare(operations, size);
      }
    });
  },
);
