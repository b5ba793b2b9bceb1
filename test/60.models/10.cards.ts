import assert from 'node:assert/strict';
import { ModelError } from '../../src/errors';
import { card, cards, describe as describeCard, list } from '../../src/models';

const byName = (name: string) => cards.find((entry) => entry.name === name)!;

describe('cards', () => {
  it('describe the twelve upstream models and the baseline', () => {
    assert.equal(cards.length, 13);
    assert.equal(new Set(cards.flatMap(({ name, aliases }) => [name, ...aliases])).size, 37);
  });

  it('name the checkpoints as upstream does', () => {
    const { origin } = byName('resnext101_32x16d_swsl');
    assert.deepEqual(origin, {
      kind: 'file',
      file: 'semi_weakly_supervised_resnext101_32x16-f3559a9c.pth',
      sha256Prefix: 'f3559a9c',
      url: 'https://dl.fbaipublicfiles.com/semiweaksupervision/model_files/semi_weakly_supervised_resnext101_32x16-f3559a9c.pth',
      safetensors: { repo: 'timm/resnext101_32x16d.fb_swsl_ig1b_ft_in1k' },
    });
  });

  it('distinguish the claimed accuracy from the measured one', () => {
    const { accuracy, note } = byName('resnext101_32x16d_swsl');
    assert.deepEqual(accuracy, {
      claimed: { top1: 84.8, top5: 97.4 },
      measured: { top1: 83.34, top5: 96.844 },
    });
    assert.match(note!, /saved incorrectly/);
    const best = cards.toSorted(
      (a, b) => (b.accuracy.measured?.top1 ?? 0) - (a.accuracy.measured?.top1 ?? 0),
    );
    assert.equal(best[0]!.name, 'resnext101_32x8d_swsl');
  });

  it('forbid commercial use, except for the baseline', () => {
    for (const { name, license } of cards) {
      assert.equal(license.commercial, name === 'resnet50_baseline');
      if (!license.commercial) assert.equal(license.name, 'CC-BY-NC 4.0');
    }
  });
});

describe('card', () => {
  it('finds a model by its name and by both of its names in timm', () => {
    const expected = byName('resnet50_swsl');
    for (const name of ['resnet50_swsl', 'swsl_resnet50', 'resnet50.fb_swsl_ig1b_ft_in1k']) {
      assert.equal(card(name), expected);
    }
    assert.equal(card('resnet18.fb_ssl_yfcc100m_ft_in1k').name, 'resnet18_ssl');
  });

  it('throws for a misspelled name, and suggests the nearest one', () => {
    assert.throws(
      () => card('resnet50_swsll'),
      (error: unknown) => {
        assert.ok(error instanceof ModelError);
        assert.equal(error.code, 'ERR_SEMISUP_MODEL_UNKNOWN');
        assert.equal(error.value, 'resnet50_swsll');
        assert.match(error.message, /Did you mean 'resnet50_swsl'\?/);
        return true;
      },
    );
  });

  it('throws for an unknown name, and lists all models', () => {
    assert.throws(() => card('vgg16'), /resnet18_ssl, .*resnet50_baseline/);
  });

  it('throws for a value that is not a string', () => {
    assert.throws(() => card(50 as unknown as string), { code: 'ERR_SEMISUP_OPTION_VALUE' });
  });
});

describe('list', () => {
  it('returns all names without a pattern', () => {
    assert.equal(list().length, 13);
    assert.equal(list()[0], 'resnet18_ssl');
  });

  it('matches whole names with shell patterns', () => {
    assert.equal(list('*swsl*').length, 6);
    assert.deepEqual(list('resnet50_?sl'), ['resnet50_ssl']);
    assert.deepEqual(list('resnet[!5]*'), ['resnet18_ssl', 'resnet18_swsl']);
    assert.deepEqual(list('resnext101_32x[4-8]d_ssl'), [
      'resnext101_32x4d_ssl',
      'resnext101_32x8d_ssl',
    ]);
    assert.deepEqual(list('swsl'), []);
  });

  it('treats the special characters of regular expressions as literals', () => {
    for (const pattern of ['.*', 'resnet50(', '[', '[!]', '[z-a]', '\\', '+', 'resnet50_swsl\n']) {
      assert.deepEqual(list(pattern), [], pattern);
    }
  });
});

describe('describe', () => {
  it('prints the license, both accuracies, and a more accurate model', () => {
    const text = describeCard(byName('resnext101_32x16d_swsl'));
    assert.match(text, /NOT FOR COMMERCIAL USE/);
    assert.match(text, /83\.340 % top-1/);
    assert.match(text, /84\.8 % top-1/);
    assert.match(text, /resnext101_32x8d_swsl is more accurate/);
  });
});
