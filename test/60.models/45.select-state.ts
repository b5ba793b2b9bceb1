import assert from 'node:assert/strict';
import { plainCheckpoint, type Checkpoint, type StoredTensor } from '../../src/checkpoint';
import { CheckpointError } from '../../src/errors';
import {
  checkDeclaredArchitecture,
  declaredArchitecture,
  declaresStride,
  selectState,
} from '../../src/convert';
import { matchState } from '../../src/convert/match-state';
import { countByPrefix, withoutWrappers } from '../../src/convert/prefixes';
import type { ArchitectureName } from '../../src/models/resnet';
import { generatedState } from '../support/generated-checkpoint';

type Tensors = Map<string, StoredTensor>;

/** The tensors of a network, renamed. */
function tensorsOf(
  architecture: ArchitectureName,
  rename: (name: string) => string = (name) => name,
): Tensors {
  const { tensors } = generatedState(architecture);
  return new Map([...tensors].map(([name, tensor]) => [rename(name), tensor]));
}

function checkpointOf(stateDicts: Record<string, Tensors>): Checkpoint {
  const dicts = Object.entries(stateDicts).map(([key, tensors]) => {
    return { key, tensors, others: new Map<string, string>() };
  });
  return { ...plainCheckpoint(generatedState('resnet18')), stateDicts: dicts };
}

function withMetadata(metadata: Record<string, string>): Checkpoint {
  const plain = plainCheckpoint(generatedState('resnet18'));
  return { ...plain, metadata: new Map(Object.entries(metadata)) };
}

function mismatch(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof CheckpointError, String(error));
    assert.equal(error.code, 'ERR_SEMISUP_CHECKPOINT_MISMATCH');
    return error.message;
  }
  return assert.fail('Nothing was thrown.');
}

describe('selectState', () => {
  it('returns the names of the network, whatever the prefix', () => {
    for (const prefix of ['', 'module.', 'a.b.c.', 'scope/', 'layer1.', '0.', 'module.é.']) {
      const state = selectState(
        checkpointOf({ '': tensorsOf('resnet18', (name) => prefix + name) }),
        'resnet18',
      );
      assert.equal(state.prefix, prefix);
      assert.deepEqual([...state.tensors.keys()], [...tensorsOf('resnet18').keys()]);
    }
  });

  it('ignores tensors outside the prefix, but no unexpected tensor inside it', () => {
    const [tensor] = tensorsOf('resnet18').values();
    const tensors = tensorsOf('resnet18', (name) => `backbone.${name}`).set('queue', tensor!);
    const state = selectState(checkpointOf({ '': tensors }), 'resnet18');
    assert.deepEqual([...state.outside.keys()], ['queue']);
    assert.equal(matchState(state, 'resnet18').needsHead, false);
    tensors.set('backbone.attention.weight', tensor!);
    const changed = selectState(checkpointOf({ '': tensors }), 'resnet18');
    assert.match(
      mismatch(() => matchState(changed, 'resnet18')),
      /Unexpected: attention\.weight/,
    );
  });

  it('selects the network of the architecture among others', () => {
    const checkpoint = checkpointOf({
      teacher: tensorsOf('resnet50'),
      student: tensorsOf('resnet18'),
    });
    assert.equal(selectState(checkpoint, 'resnet18').key, 'student');
    assert.equal(selectState(checkpoint, 'resnet50').key, 'teacher');
    assert.deepEqual(selectState(checkpoint, 'resnet50').alternatives, []);
  });

  it('prefers EMA weights, then state_dict, then model, in any order of the file', () => {
    const network = tensorsOf('resnet18');
    for (const [expected, ...others] of [
      ['model_ema', 'state_dict', 'model'],
      ['state_dict_ema', 'other'],
      ['EMA', 'model'],
      ['state_dict', 'model', 'other'],
      ['checkpoint.state_dict', 'model'],
      ['model', 'schema', 'other'],
    ] as const) {
      const dicts = Object.fromEntries([...others, expected].map((key) => [key, network]));
      const reversed = Object.fromEntries(Object.entries(dicts).reverse());
      for (const stateDicts of [dicts, reversed]) {
        const state = selectState(checkpointOf(stateDicts), 'resnet18');
        assert.equal(state.key, expected);
        assert.equal(state.alternatives.length, others.length);
      }
    }
  });

  it('rejects a choice between equals, and names them', () => {
    const network = tensorsOf('resnet18');
    const message = mismatch(() =>
      selectState(checkpointOf({ first_ema: network, ema: network, model: network }), 'resnet18'),
    );
    assert.match(message, /contains 2 sets of weights for resnet18: 'first_ema', 'ema'\./);
  });

  it('does not merge tensors whose names differ in a wrapper only', () => {
    const tensors = tensorsOf('resnet18', (name) => name.replace('layer1.', 'layer1._orig_mod.'));
    assert.equal(selectState(checkpointOf({ '': tensors }), 'resnet18').tensors.size, 122);
    const [tensor] = tensors.values();
    tensors.set('layer1.0.conv1.weight', tensor!);
    const state = selectState(checkpointOf({ '': tensors }), 'resnet18');
    assert.match(
      mismatch(() => matchState(state, 'resnet18')),
      /Missing: layer1\.0\.bn1\.weight/,
    );
  });

  it("finds Keras's names under a prefix, and names the model that has them", () => {
    const [tensor] = tensorsOf('resnet18').values();
    const names = ['conv1/kernel', 'bn_conv1/gamma', 'res2a_branch2a/kernel', 'fc1000/bias'];
    const tensors = new Map(names.map((name) => [`resnet50/${name}`, tensor!]));
    const state = selectState(checkpointOf({ '': tensors }), 'resnet50_v1');
    assert.deepEqual([...state.tensors.keys()], names);
    const asked = selectState(checkpointOf({ '': tensors }), 'resnet50');
    assert.match(
      mismatch(() => matchState(asked, 'resnet50')),
      /Load it as resnet50_baseline/,
    );
  });

  it('handles many long names in little time', () => {
    const [tensor] = tensorsOf('resnet18').values();
    const tensors: Tensors = new Map();
    for (let i = 0; i < 20_000; i++) tensors.set(`${'a.'.repeat(500)}${i}.conv1.weight`, tensor!);
    const started = performance.now();
    const state = selectState(checkpointOf({ '': tensors }), 'resnet50');
    const message = mismatch(() => matchState(state, 'resnet50'));
    assert.ok(performance.now() - started < 5000);
    assert.ok(message.length < 4000, String(message.length));
  });
});

describe('prefixes', () => {
  it('are counted at every dot and slash', () => {
    const isExpected = (name: string) => name === 'w' || name === 'a.w';
    const counts = countByPrefix(['w', 'a.w', 'b.a.w', 'c/a.w', 'c/w', 'xw'], isExpected);
    assert.deepEqual(Object.fromEntries(counts), { '': 2, 'a.': 1, 'b.': 1, 'b.a.': 1, 'c/': 2, 'c/a.': 1 }); // prettier-ignore
  });

  it('lose the segments of wrappers only', () => {
    assert.equal(withoutWrappers('layer1._orig_mod.0.conv1.weight'), 'layer1.0.conv1.weight');
    assert.equal(withoutWrappers('layer1.module.0._fsdp.bn1.bias'), 'layer1.0.bn1.bias');
    assert.equal(withoutWrappers('layer1.0.bn1.running_mean'), 'layer1.0.bn1.running_mean');
  });
});

describe('the architecture in the metadata', () => {
  it('is found under the keys of training scripts, by the names of torchvision, timm and the cards', () => {
    for (const [metadata, architecture] of [
      [{ arch: 'resnet18' }, 'resnet18'],
      [{ architecture: 'swsl_resnet50' }, 'resnet50'],
      [{ 'args.model': 'resnext101_32x8d.fb_swsl_ig1b_ft_in1k' }, 'resnext101_32x8d'],
      [{ 'args.arch': 'resnet50.tv2_in1k' }, 'resnet50'],
      [{ 'hyper_parameters.model_name': 'resnet50_baseline' }, 'resnet50_v1'],
      [{ arch: 'resnet18', 'args.model': 'resnet50' }, 'resnet18'],
      [{ arch: 'toString' }, undefined],
      [{ arch: 'mine', stride: 'v3' }, undefined],
    ] as const) {
      const checkpoint = withMetadata(metadata);
      assert.equal(declaredArchitecture(checkpoint)!.architecture, architecture);
      assert.equal(declaresStride(checkpoint), architecture !== undefined);
    }
    assert.equal(declaredArchitecture(withMetadata({ note: 'resnet50' })), undefined);
  });

  it('must be the one that is loaded', () => {
    const check = (metadata: Record<string, string>, asked: ArchitectureName) => () => {
      checkDeclaredArchitecture(withMetadata(metadata), asked);
    };
    assert.doesNotThrow(check({ arch: 'resnet50', stride: 'v1.5' }, 'resnet50'));
    assert.doesNotThrow(check({ arch: 'mine', stride: 'v3' }, 'resnet50'));
    assert.doesNotThrow(check({ stride: 'v1' }, 'resnet18'));
    assert.match(
      mismatch(check({ arch: 'resnet50' }, 'resnet50_v1')),
      /its architecture is 'resnet50', but it was loaded as resnet50_v1, with the stride of v1\. Load it as resnet50_s/,
    );
    assert.match(
      mismatch(check({ 'args.stride': 'v1.5' }, 'resnet50_v1')),
      /its stride is that of v1\.5/,
    );
    assert.match(
      mismatch(check({ arch: 'resnet50' }, 'resnet18')),
      /loaded as resnet18\. Load it as resnet50_ssl/,
    );
  });
});
