import assert from 'node:assert/strict';
import { DisposedError, OptionError } from '../../src/errors';
import {
  augmentImages,
  Executor,
  openEngine,
  type AugmentTransform,
  type Operation,
  type Operations,
} from '../../src/native';
import { imagenet } from '../support/image-goldens';
import { generate } from './images';

const image = generate('noise', 40, 30);
const whole = { top: 0, left: 0, height: 30, width: 40 };

describe('invalid operations', () => {
  let executor: Executor;
  before(() => {
    executor = Executor.start(openEngine());
  });
  after(async () => {
    await executor.close();
  });

  async function rejects(
    operations: unknown,
    message: RegExp,
    transform: Partial<AugmentTransform> = {},
  ): Promise<void> {
    const call = augmentImages(executor, [image], operations as Operations[], {
      ...{ ...imagenet, size: 16, ...transform },
    });
    await assert.rejects(call, (error: unknown) => {
      assert.ok(error instanceof OptionError, String(error));
      assert.equal(error.code, 'ERR_SEMISUP_OPTION_VALUE');
      assert.match(error.message, message);
      return true;
    });
  }

  it('are crops that are empty or far beyond the image', async () => {
    const beyond =
      /^Expected a crop that extends at most 16 pixels beyond the image of 40 x 30 pixels/;
    const crops = [
      { ...whole, height: 0 },
      { ...whole, width: -1 },
      { ...whole, top: -17 },
      { ...whole, left: 17 },
      { ...whole, height: 63 },
      { ...whole, top: 47, height: 1 },
      { ...whole, left: -1e12, width: 1e12 },
    ];
    for (const crop of crops) await rejects([[crop]], beyond);
  });

  it('are crops without integers', async () => {
    const integer = /^Expected an integer for the (top|left|height|width|resize) of a crop/;
    for (const value of [NaN, Infinity, 0.5, 2 ** 60, '1', null, undefined, {}]) {
      for (const name of ['top', 'left', 'height', 'width']) {
        await rejects([[{ ...whole, [name]: value }]], integer);
      }
      await rejects([[{ resize: value }]], integer);
    }
  });

  it('are center crops that are larger than the resized image, and larger images than 4096 pixels', async () => {
    for (const resize of [15, 0, -1, 4097, 1e9]) {
      await rejects([[{ resize }]], /^Expected an integer from the size 16 to 4096 for the resize/);
    }
    for (const size of [0, -1, 4097, 2 ** 40]) {
      const message = /^Expected an integer from 1 to 4096 for the size/;
      await rejects([[{ resize: 16 }]], message, { size });
    }
  });

  it('are values out of range', async () => {
    const operations: Record<string, unknown[]> = {
      brightness: [-0.1, NaN, Infinity, '1', undefined],
      contrast: [-1],
      saturation: [-1],
      sharpness: [-1],
      hue: [-0.51, 0.51],
      shearX: [-1.01, 1.01],
      shearY: [-1.01, 1.01],
      translateX: [0.5, 4097],
      translateY: [0.5, -4097],
      rotate: [-361, 361],
      posterize: [0, 9, 1.5],
      solarize: [-1, 257],
    };
    for (const [name, values] of Object.entries(operations)) {
      for (const value of values) {
        const message = new RegExp(`^The value of the operation ${name} is out of its range`);
        await rejects([[whole, { name, value }]], message);
      }
    }
  });

  it('are those of other names or types', async () => {
    for (const name of ['invert', '', 'toString', 1, undefined]) {
      await rejects([[whole, { name, value: 1 }]], /^Expected the name of an operation/);
    }
    for (const operation of [null, 'hflip', 3]) {
      await rejects([[whole, operation]], /^Expected an object for an operation/);
    }
    await rejects([[]], /^Expected a crop as the first operation/);
    await rejects([3], /^Expected a crop as the first operation/);
    await rejects([['hflip']], /^Expected an object for an operation/);
  });

  it('are more or fewer lists than images', async () => {
    const message = /^Expected one list of operations for each image/;
    for (const lists of [[], [[whole], [whole]], undefined]) await rejects(lists, message);
  });

  it('do not prevent valid ones at the limits', async () => {
    const limits: Operation[] = [
      { name: 'brightness', value: 1e6 },
      { name: 'shearX', value: -1 },
      { name: 'translateX', value: -4096 },
      { name: 'rotate', value: 360 },
      { name: 'posterize', value: 1 },
      { name: 'solarize', value: 256 },
    ];
    const crop = { top: -16, left: -16, height: 62, width: 72 };
    const transform = { ...imagenet, size: 16 };
    using tensor = await augmentImages(executor, [image], [[crop, ...limits]], transform);
    assert.deepEqual(tensor.shape, [1, 3, 16, 16]);
    using none = await augmentImages(executor, [], [], transform);
    assert.deepEqual(none.shape, [0, 3, 16, 16]);
  });

  it('are those after the executor is closed', async () => {
    const closed = Executor.start(openEngine());
    await closed.close();
    const call = augmentImages(closed, [image], [[whole]], { ...imagenet, size: 16 });
    await assert.rejects(call, DisposedError);
  });
});
