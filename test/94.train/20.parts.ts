import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { completeFinetuneOptions } from '../../src/train/finetune-options';
import { countSteps, stepSettings } from '../../src/train/step-settings';
import { batchesOf, epochOrder } from '../../src/train/epoch-order';
import { sampleMix } from '../../src/train/mixing';
import { frozenNormalizations, groupParameters, stagesOf } from '../../src/train/parameter-groups';
import { learningRateFactor, type Schedule } from '../../src/train/schedule';
import { splitImages } from '../../src/train/split';

const { schedules } = JSON.parse(readFileSync(join(__dirname, 'goldens.json'), 'utf8')) as {
  schedules: Record<string, readonly number[]>;
};

describe('the learning rate', () => {
  const factors = (schedule: Schedule, warmup: number) =>
    Array.from({ length: 30 }, (_, update) =>
      learningRateFactor(schedule, update, { total: 30, perEpoch: 10, warmup }),
    );
  const cases: Record<string, number[]> = {
    cosine: factors('cosine', 0),
    cosineWithWarmup: factors('cosine', 6),
    constantWithWarmup: factors('constant', 6),
    milestones: factors({ milestones: [1, 2.1, 2.8], gamma: 0.5 }, 0),
  };
  for (const [name, actual] of Object.entries(cases)) {
    it(`equals PyTorch's: ${name}`, () => {
      for (const [update, expected] of schedules[name]!.entries()) {
        assert.ok(Math.abs(actual[update]! - expected) < 1e-12, `update ${update}`);
      }
    });
  }

  it('drops to a tenth at milestones by default', () => {
    const counts = { total: 20, perEpoch: 10, warmup: 0 };
    const at = (update: number) => learningRateFactor({ milestones: [1] }, update, counts);
    assert.deepEqual([at(9), at(10)], [1, 0.1]);
  });
});

describe('the groups of parameters', () => {
  const shapes = new Map<string, readonly number[]>([
    ['conv1.weight', [4, 3, 3, 3]],
    ['bn1.weight', [4]],
    ['bn1.bias', [4]],
    ['layer1.0.conv1.weight', [4, 4, 3, 3]],
    ['layer1.0.bn1.weight', [4]],
    ['fc.weight', [2, 4]],
    ['fc.bias', [2]],
  ]);

  it('are the stages, with normalizations in the stage before them', () => {
    assert.deepEqual(
      stagesOf(shapes).map((names) => names.length),
      [3, 2, 2],
    );
  });

  it('decay no vectors, and scale the learning rate by the distance from the output', () => {
    const options = { trainable: 'all', weightDecay: 0.1, layerDecay: 0.5 } as const;
    assert.deepEqual(groupParameters(shapes, options), [
      { names: ['conv1.weight'], lrScale: 0.25, weightDecay: 0.1 },
      { names: ['bn1.weight', 'bn1.bias'], lrScale: 0.25, weightDecay: 0 },
      { names: ['layer1.0.conv1.weight'], lrScale: 0.5, weightDecay: 0.1 },
      { names: ['layer1.0.bn1.weight'], lrScale: 0.5, weightDecay: 0 },
      { names: ['fc.weight'], lrScale: 1, weightDecay: 0.1 },
      { names: ['fc.bias'], lrScale: 1, weightDecay: 0 },
    ]);
  });

  it('contain the last layer, and the last stage with it, if only they are trained', () => {
    const named = (trainable: 'head' | 'last-stage') =>
      groupParameters(shapes, { trainable, weightDecay: 0, layerDecay: 1 }).flatMap(
        ({ names }) => names,
      );
    assert.deepEqual(named('head'), ['fc.weight', 'fc.bias']);
    assert.deepEqual(named('last-stage'), [...shapes.keys()].slice(3).toSorted(byDimensions));
  });

  it('freeze the normalizations that are not trained, or all', () => {
    const buffers = ['bn1.running_mean', 'bn1.running_var', 'layer1.0.bn1.running_mean'];
    const trained = new Set(['layer1.0.bn1.weight']);
    assert.deepEqual(frozenNormalizations(buffers, trained, false), ['bn1']);
    assert.deepEqual(frozenNormalizations(buffers, trained, true), ['bn1', 'layer1.0.bn1']);
  });

  function byDimensions(a: string, b: string): number {
    const stage = (name: string) => (name.startsWith('fc') ? 1 : 0);
    return stage(a) - stage(b) || shapes.get(b)!.length - shapes.get(a)!.length;
  }
});

describe('the order of an epoch', () => {
  const labels = [...Array<number>(90).fill(0), ...Array<number>(10).fill(1)];

  it('is a permutation, another one for each epoch and seed', () => {
    const order = (seed: number, epoch: number) =>
      epochOrder(labels, { seed, epoch, isBalanced: false });
    const sorted = order(0, 0).toSorted((a, b) => a - b);
    assert.deepEqual(sorted, [...labels.keys()]);
    assert.deepEqual(order(0, 0), order(0, 0));
    assert.notDeepEqual(order(0, 0), order(0, 1));
    assert.notDeepEqual(order(0, 0), order(1, 0));
  });

  it('has as many images of each class if it is balanced', () => {
    let rare = 0;
    for (let epoch = 0; epoch < 100; epoch++) {
      const order = epochOrder(labels, { seed: 0, epoch, isBalanced: true });
      assert.equal(order.length, 100);
      rare += order.filter((index) => labels[index] === 1).length;
    }
    // 10,000 draws with a standard deviation of 50.
    assert.ok(Math.abs(rare - 5000) < 250, `${rare} of 10000`);
  });

  it('is divided into batches whose sizes differ by one at most', () => {
    const order = Array.from({ length: 33 }, (_, i) => i);
    const batches = batchesOf(order, 8);
    assert.deepEqual(
      batches.map(({ length }) => length),
      [6, 7, 6, 7, 7],
    );
    assert.deepEqual(batches.flat(), order);
    assert.deepEqual(batchesOf([1, 2], 8), [[1, 2]]);
  });
});

describe('the steps of an epoch', () => {
  const settings = (accumulate: number) =>
    completeFinetuneOptions({
      ...{ model: 'resnet18', out: 'a.pt', batchSize: 8, accumulate, epochs: 2 },
      ...{ schedule: { milestones: [1], gamma: 0.5 }, lr: 1 },
    });
  const steps = (accumulate: number, epoch: number, seed = 0) => {
    const counts = countSteps(35, settings(accumulate));
    return Array.from({ length: counts.stepsPerEpoch }, (_, index) =>
      stepSettings({ ...settings(accumulate), seed }, counts, { epoch, index, count: 7, side: 32 }),
    );
  };

  it('update after each batch by default', () => {
    assert.deepEqual(
      steps(1, 0).map(({ updates, lossScale, lr }) => [updates, lossScale, lr]),
      Array(5).fill([true, 1, 1]),
    );
    assert.deepEqual(
      steps(1, 1).map(({ lr }) => lr),
      Array(5).fill(0.5),
    );
  });

  it('accumulate the mean of several batches, of the last ones of fewer', () => {
    assert.deepEqual(
      steps(3, 0).map(({ updates, lossScale }) => [updates, lossScale]),
      [
        [false, 1 / 3],
        [false, 1 / 3],
        [true, 1 / 3],
        [false, 1 / 2],
        [true, 1 / 2],
      ],
    );
    assert.deepEqual(
      [...steps(3, 0), ...steps(3, 1)].map(({ lr }) => lr),
      [...Array<number>(5).fill(1), ...Array<number>(5).fill(0.5)],
    );
  });

  it('have random numbers of their own', () => {
    const seeds = [steps(1, 0), steps(1, 1), steps(1, 0, 1)].flat().map(({ seed }) => seed);
    assert.equal(new Set(seeds).size, 15);
    assert.ok(seeds.every((seed) => Number.isInteger(seed) && seed >= 0));
  });
});

describe('mixing', () => {
  const sample = (step: number, mixup: number, cutmix: number) =>
    sampleMix({ mixup, cutmix }, { seed: 1, step, count: 4, side: 32 });

  it('is off by default', () => {
    assert.equal(sample(0, 0, 0), undefined);
  });

  it('mixes each image with the one before it', () => {
    assert.deepEqual(sample(0, 1, 0)!.partners, [3, 0, 1, 2]);
  });

  for (const alpha of [0.2, 1, 4]) {
    it(`has weights of the distribution Beta(${alpha}, ${alpha})`, () => {
      const n = 4000;
      const lambdas = Array.from({ length: n }, (_, step) => sample(step, alpha, 0)!.lambda);
      assert.ok(lambdas.every((lambda) => lambda >= 0 && lambda <= 1));
      const mean = lambdas.reduce((a, b) => a + b) / n;
      const variance = lambdas.reduce((sum, lambda) => sum + (lambda - 0.5) ** 2, 0) / n;
      const expected = 1 / (4 * (2 * alpha + 1));
      // Five standard errors.
      assert.ok(Math.abs(mean - 0.5) < 5 * Math.sqrt(expected / n), `the mean is ${mean}`);
      assert.ok(Math.abs(variance / expected - 1) < 0.1, `the variance is ${variance}`);
    });
  }

  it('cuts a box inside the image, whose area is the weight of the partner', () => {
    for (let step = 0; step < 500; step++) {
      const { lambda, box } = sample(step, 0, 1)!;
      const [y1, x1, y2, x2] = box!;
      assert.ok(0 <= y1 && y1 <= y2 && y2 <= 32 && 0 <= x1 && x1 <= x2 && x2 <= 32);
      assert.equal(lambda, 1 - ((y2 - y1) * (x2 - x1)) / 32 ** 2);
    }
  });

  it('chooses either with both', () => {
    const boxes = Array.from({ length: 400 }, (_, step) => sample(step, 1, 1)!.box);
    const cuts = boxes.filter((box) => box !== undefined).length;
    // Five standard deviations.
    assert.ok(Math.abs(cuts - 200) < 50, `${cuts} of 400`);
  });
});

describe('the split of the images', () => {
  const image = (label: number, content: string, name = content) => ({
    ...{ name, label, sha256: content, input: name },
  });
  const images = [
    ...Array.from({ length: 20 }, (_, i) => image(0, `a${i}`)),
    ...Array.from({ length: 10 }, (_, i) => image(1, `b${i}`)),
    ...['c', 'd'].map((content) => image(2, content)),
    image(0, 'a0', 'a copy'),
  ];

  it('holds out the share of each class', () => {
    const { training, validation } = splitImages(images, 0.2, 0);
    const count = (indices: readonly number[], label: number) =>
      new Set(indices.filter((i) => images[i]!.label === label).map((i) => images[i]!.sha256)).size;
    assert.deepEqual(
      [0, 1, 2].map((label) => count(validation, label)),
      [4, 2, 0],
    );
    assert.deepEqual(
      [...training, ...validation].toSorted((a, b) => a - b),
      [...images.keys()],
    );
  });

  it('keeps one to train on, and copies together', () => {
    for (let seed = 0; seed < 20; seed++) {
      const { training } = splitImages(images, 0.9, seed);
      assert.equal(new Set(training.map((index) => images[index]!.label)).size, 3);
      assert.equal(training.includes(0), training.includes(images.length - 1));
    }
  });
});
