import assert from 'node:assert/strict';
import { ModelError } from '../../src/errors';
import { card, parseMetadata, type ModelMetadata } from '../../src/models';
import { formatMetadata } from '../../src/models/metadata';

const { name, architecture, license, transform } = card('resnet50_swsl');
const metadata: ModelMetadata = {
  name,
  architecture,
  stride: 'v1.5',
  numClasses: 1000,
  head: 'checkpoint',
  labels: 'imagenet1k',
  license,
  source: { file: 'weights.pth', sha256: 'ab'.repeat(32) },
  transform,
};

/** Parses the metadata with the field at `path` replaced. */
function parseWith(path: string, value: unknown): ModelMetadata {
  const copy = JSON.parse(formatMetadata(metadata)) as Record<string, unknown>;
  const keys = path.split('.');
  const last = keys.pop()!;
  const parent = keys.reduce((object, key) => object[key] as Record<string, unknown>, copy);
  parent[last] = value;
  return parseMetadata(JSON.stringify(copy), 'net.pt');
}

describe('model metadata', () => {
  it('round-trips through its text form', () => {
    assert.deepEqual(parseMetadata(formatMetadata(metadata), 'net.pt'), metadata);
  });

  it('accepts null for the license and the labels', () => {
    assert.equal(parseWith('license', null).license, null);
    assert.equal(parseWith('labels', null).labels, null);
  });

  it('of a model of your own needs a name, labels and a transform alone', () => {
    const own = { format: 1, name: 'insects', labels: ['ant', 'bee'], transform };
    assert.deepEqual(parseMetadata(JSON.stringify(own), 'net.pt'), {
      ...{ name: 'insects', numClasses: 2, labels: ['ant', 'bee'], transform },
      ...{ architecture: null, stride: null, head: null, license: null, source: null },
    });
    const bicubic = { ...own, transform: { ...transform, interpolation: 'bicubic' } };
    const { interpolation } = parseMetadata(JSON.stringify(bicubic), 'net.pt').transform;
    assert.equal(interpolation, 'bicubic');
    for (const missing of ['name', 'labels', 'transform']) {
      const text = JSON.stringify({ ...own, [missing]: undefined });
      assert.throws(() => parseMetadata(text, 'net.pt'), ModelError);
    }
  });

  it('accepts where the weights were in the checkpoint', () => {
    const source = { ...metadata.source, key: 'state_dict_ema', prefix: 'module.' };
    assert.deepEqual(parseWith('source', source).source, source);
  });

  it('is rejected if it is not text', () => {
    assert.throws(() => parseMetadata(Uint8Array.of(0xff), 'net.pt'), /it must be UTF-8/);
  });

  it('drops unknown fields', () => {
    assert.deepEqual(parseWith('__proto__', { evil: 1 }), metadata);
    assert.deepEqual(parseWith('more', 1), metadata);
  });

  for (const [path, values] of Object.entries({
    format: [0, 2, '1', undefined],
    name: ['', 1, 'a\nb', '\x1b[31m', 'x'.repeat(1001)],
    architecture: ['vgg16', 'toString', 5],
    stride: ['v1', null],
    numClasses: [0, 1.5, -1, 2 ** 40, '1000', 10],
    head: ['none', null, undefined],
    labels: ['imagenet22k', undefined, ['one'], Array(1000).fill(5)],
    license: [undefined, 'MIT'],
    'license.commercial': [null, 0],
    'license.url': [7],
    source: [undefined, 'x'],
    'source.key': [1, '', 'a\nb'],
    'source.prefix': [null, '\x1b'],
    'source.sha256': ['', 'AB'.repeat(32), 'ab'.repeat(33)],
    transform: [[], null],
    'transform.resize': [0, 1e9, 256.5],
    'transform.crop': [257, 0],
    'transform.mean': [[0, 0], [0, 0, null], 'abc'],
    'transform.std': [[1, 1, 0]],
    'transform.interpolation': ['nearest', null],
  })) {
    it(`is rejected if ${path} is invalid`, () => {
      for (const value of values) {
        assert.throws(
          () => parseWith(path, value),
          (error: unknown) => {
            assert.ok(error instanceof ModelError);
            assert.equal(error.code, 'ERR_SEMISUP_MODEL_FORMAT');
            assert.match(error.message, /inside net\.pt cannot be used/);
            return true;
          },
          `${path}: ${JSON.stringify(value)}`,
        );
      }
    });
  }

  it('is rejected if it is not a JSON object', () => {
    for (const text of ['', '{', 'null', '[]', '"text"']) {
      assert.throws(() => parseMetadata(text, 'net.pt'), { code: 'ERR_SEMISUP_MODEL_FORMAT' });
    }
  });
});
