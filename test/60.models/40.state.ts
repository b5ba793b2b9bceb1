import assert from 'node:assert/strict';
import type { StateDict, StoredTensor } from '../../src/checkpoint';
import { CheckpointError } from '../../src/errors';
import type { ArchitectureName } from '../../src/models/resnet';
import { matchState } from '../../src/convert/match-state';
import { generatedState } from '../support/generated-checkpoint';

type Changes = Record<string, Partial<StoredTensor> | null>;

/** A checkpoint with some tensors changed or, if the change is null, removed. */
function stateWith(architecture: ArchitectureName, changes: Changes): StateDict {
  const state = generatedState(architecture);
  const tensors = new Map(state.tensors);
  for (const [name, change] of Object.entries(changes)) {
    if (change === null) tensors.delete(name);
    else tensors.set(name, { ...state.tensors.get('bn1.weight')!, ...change });
  }
  return { ...state, tensors };
}

function mismatchMessage(
  state: StateDict,
  architecture: ArchitectureName,
  numClasses?: number,
): string {
  try {
    matchState(state, architecture, numClasses);
  } catch (error) {
    assert.ok(error instanceof CheckpointError);
    assert.equal(error.code, 'ERR_SEMISUP_CHECKPOINT_MISMATCH');
    assert.equal(error.value, state.path);
    return error.message;
  }
  return assert.fail('The checkpoint matched.');
}

describe('matchState', () => {
  it('finds a tensor for every parameter and buffer', () => {
    const state = generatedState('resnet50');
    const { tensors, needsHead } = matchState(state, 'resnet50');
    assert.deepEqual([...tensors], [...state.tensors]);
    assert.equal(needsHead, false);
  });

  it('treats a missing num_batches_tracked as 0', () => {
    const state = stateWith('resnet18', { 'bn1.num_batches_tracked': null });
    assert.equal(matchState(state, 'resnet18').tensors.size, 121);
  });

  it('accepts any floating-point type for a float32 tensor', () => {
    const state = stateWith('resnet18', { 'bn1.bias': { dtype: 'bfloat16' } });
    assert.equal(matchState(state, 'resnet18').tensors.get('bn1.bias')!.dtype, 'bfloat16');
  });

  it('lists tensors that are missing, unexpected, or of another shape or type', () => {
    const state = stateWith('resnet18', {
      'bn1.weight': null,
      'bn1.running_mean': { shape: [63] },
      'bn1.running_var': { dtype: 'int32' },
      'layer9.weight': {},
    });
    const message = mismatchMessage(state, 'resnet18');
    assert.match(message, /Missing: bn1\.weight\./);
    assert.match(message, /bn1\.running_mean float32 \[63\] instead of float32 \[64\]/);
    assert.match(message, /bn1\.running_var int32 \[64\] instead of float32 \[64\]/);
    assert.match(message, /Unexpected: layer9\.weight\./);
    assert.match(message, /nearly all of its tensors match/);
  });

  it('lists at most eight missing tensors and counts the others', () => {
    const message = mismatchMessage(generatedState('resnet18'), 'resnet50');
    const missing = /Missing: (.*?); and (\d+) more\./.exec(message)!;
    assert.equal(missing[1]!.split('; ').length, 8);
    assert.ok(Number(missing[2]) > 100);
    assert.ok(message.length < 3000);
  });

  it('removes control characters from names and truncates long ones', () => {
    const message = mismatchMessage(
      stateWith('resnet18', { [`\x1b[31m${'x'.repeat(1e6)}`]: {} }),
      'resnet18',
    );
    assert.ok(!message.includes('\x1b'));
    assert.ok(message.length < 1000);
  });

  it('names the architecture that the checkpoint resembles', () => {
    assert.match(
      mismatchMessage(generatedState('resnet18'), 'resnet50'),
      /Load it as resnet18 with 1000/,
    );
    assert.match(
      mismatchMessage(generatedState('resnext101_32x4d'), 'resnext101_32x8d'),
      /Load it as resnext101_32x4d with 1000/,
    );
    const empty = { ...generatedState('resnet18'), tensors: new Map<string, StoredTensor>() };
    assert.match(mismatchMessage(empty, 'resnet18'), /parameter names of torchvision's ResNet/);
  });
});

describe('matchState with numClasses', () => {
  const tenClasses = { 'fc.weight': { shape: [10, 512] }, 'fc.bias': { shape: [10] } };

  it('ignores the head of the checkpoint', () => {
    const { tensors, needsHead } = matchState(generatedState('resnet18'), 'resnet18', 10);
    assert.equal(needsHead, true);
    assert.equal(tensors.size, 120);
    assert.ok(!tensors.has('fc.weight') && !tensors.has('fc.bias'));
  });

  it('does not need a head in the checkpoint', () => {
    const state = stateWith('resnet18', { 'fc.weight': null, 'fc.bias': null });
    assert.equal(matchState(state, 'resnet18', 10).needsHead, true);
    assert.match(mismatchMessage(state, 'resnet18'), /Missing: fc\.weight; fc\.bias\./);
  });

  it('uses the head of the checkpoint if it has this size', () => {
    const { tensors, needsHead } = matchState(stateWith('resnet18', tenClasses), 'resnet18', 10);
    assert.equal(needsHead, false);
    assert.deepEqual(tensors.get('fc.weight')!.shape, [10, 512]);
  });

  it('does not replace a mismatched head by default', () => {
    assert.match(
      mismatchMessage(stateWith('resnet18', tenClasses), 'resnet18'),
      /Pass numClasses: 10/,
    );
  });

  it('requires all other tensors to match', () => {
    assert.match(
      mismatchMessage(generatedState('resnet18'), 'resnet50', 10),
      /Load it as resnet18/,
    );
  });
});
