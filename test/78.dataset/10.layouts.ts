import assert from 'node:assert/strict';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openDataset, type Dataset } from '../../src/dataset';
import { DatasetError } from '../../src/errors';
import { temporaryDirectory } from '../support/temporary';

/** The names and labels of all samples. */
export async function labelsIn(dataset: Dataset): Promise<Record<string, string | undefined>> {
  const labels: Record<string, string | undefined> = {};
  for await (const { name, label } of dataset.samples()) {
    assert.ok(!(name in labels), `${name} occurs twice`);
    labels[name] = label;
  }
  return labels;
}

describe('openDataset', () => {
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);
  const touch = async (...names: string[]) => {
    for (const name of names) {
      await mkdir(dirname(path(name)), { recursive: true });
      await writeFile(path(name), name);
    }
  };
  const refuses = async (
    code: string,
    message: RegExp,
    ...args: Parameters<typeof openDataset>
  ) => {
    await assert.rejects(openDataset(...args), (error: unknown) => {
      assert.ok(error instanceof DatasetError, String(error));
      assert.equal(error.code, `ERR_SEMISUP_DATASET_${code}`);
      assert.match(error.message, message);
      return true;
    });
  };

  it('opens a directory with one directory per class', async () => {
    await touch(
      'val/n01440764/a.JPEG',
      'val/n01440764/b.png',
      'val/tabby/deep/c.jpg',
      'val/notes.txt',
    );
    const dataset = await openDataset(directory.path);
    assert.equal(dataset.size, 3);
    assert.deepEqual(await labelsIn(dataset), {
      'val/n01440764/a.JPEG': 'n01440764',
      'val/n01440764/b.png': 'n01440764',
      'val/tabby/deep/c.jpg': 'deep',
    });
    assert.deepEqual(dataset.labels, ['n01440764', 'deep']);
  });

  it('lists directories without images next to others, but not those of a class, nor hidden ones', async () => {
    await touch('val/cat/c.jpg', 'val/cat/notes/a.txt', 'val/dog/dog.heif', 'val/.thumbnails/a');
    await mkdir(path('val/fox/young'), { recursive: true });
    const { emptyClasses } = await openDataset(directory.path);
    assert.deepEqual(emptyClasses, ['val/dog', 'val/fox']);
  });

  it('opens images without labels', async () => {
    await touch('pool/b.jpg', 'pool/deep/a.png');
    assert.deepEqual(await labelsIn(await openDataset(path('pool'), { labels: false })), {
      'b.jpg': undefined,
      'deep/a.png': undefined,
    });
    await writeFile(path('pool.txt'), 'pool/my photo.jpg\n./pool/deep/a.png\n\n');
    const list = await openDataset(path('pool.txt'), { labels: false });
    assert.deepEqual(await labelsIn(list), {
      'pool/my photo.jpg': undefined,
      'pool/deep/a.png': undefined,
    });
    await writeFile(path('pool.txt'), 'a.jpg\nb.jpg\n./a.jpg\n');
    await refuses('DUPLICATE', /a\.jpg twice, on lines 1 and 3/, path('pool.txt'), {
      labels: false,
    });
  });

  it('takes WordNet IDs at the beginning of names, and leaves other names without a label', async () => {
    await touch('n01440764_10026.JPEG', 'n02123045_cat.jpg', 'photo.jpg');
    assert.deepEqual(await labelsIn(await openDataset(directory.path)), {
      'n01440764_10026.JPEG': 'n01440764',
      'n02123045_cat.jpg': 'n02123045',
      'photo.jpg': undefined,
    });
  });

  it('skips samples by name', async () => {
    await touch('cat/a.jpg', 'cat/b.jpg');
    const dataset = await openDataset(directory.path);
    const names: string[] = [];
    for await (const { name } of dataset.samples({ skip: (name) => name === 'cat/a.jpg' })) {
      names.push(name);
    }
    assert.deepEqual(names, ['cat/b.jpg']);
  });

  it('opens lists with spaces, tabs and commas', async () => {
    await touch('x/my cat.jpg');
    for (const [text, expected] of [
      ['x/my cat.jpg 281\nno.jpg n01440764\n', { 'x/my cat.jpg': '281', 'no.jpg': 'n01440764' }],
      ['\uFEFF./x/my cat.jpg\ttabby cat\r\n', { 'x/my cat.jpg': 'tabby cat' }],
      ['filename,label\nx\\my cat.jpg,tabby cat\n\n', { 'x/my cat.jpg': 'tabby cat' }],
    ] as const) {
      await writeFile(path('list.txt'), text);
      const dataset = await openDataset(path('list.txt'));
      assert.deepEqual(await labelsIn(dataset), expected);
      for await (const { name, image } of dataset.samples()) assert.equal(image, path(name));
    }
  });

  it('labels a directory by a list, and includes missing and unlisted images', async () => {
    await touch('val/a.jpg', 'val/b.jpg');
    await writeFile(path('labels.txt'), 'a.jpg tabby\nmissing.jpg tench\n');
    assert.deepEqual(
      await labelsIn(await openDataset(path('val'), { labels: path('labels.txt') })),
      {
        'a.jpg': 'tabby',
        'missing.jpg': 'tench',
        'b.jpg': undefined,
      },
    );
  });

  it("labels a directory by ImageNet's ground truth and meta.mat", async () => {
    const [first, third] = ['ILSVRC2012_val_00000001.JPEG', 'ILSVRC2012_val_00000003.JPEG'];
    await touch(`val/${third}`, `val/${first}`);
    const labels = path('ILSVRC2012_validation_ground_truth.txt');
    await writeFile(labels, '300\n2\n3\n');
    await refuses('FORMAT', /meta\.mat does not exist/, path('val'), { labels });
    await copyFile(join(__dirname, 'fixtures', 'meta.mat'), path('meta.mat'));
    assert.deepEqual(await labelsIn(await openDataset(path('val'), { labels })), {
      [first]: 'n01443537',
      [third]: 'n01440764',
    });
    await writeFile(labels, '300\n7\n3\n');
    await refuses('FORMAT', /has the class 7 on line 2/, path('val'), { labels });
    await writeFile(path('meta.mat'), Buffer.alloc(200, 1));
    await refuses('FORMAT', /does not describe the classes of ILSVRC2012/, path('val'), { labels });
  });

  it('labels images without numbers in the order of their names', async () => {
    await touch('val/b.jpg', 'val/a.jpg');
    await writeFile(path('truth.txt'), 'n01440764\n281\n');
    const open = () => openDataset(path('val'), { labels: path('truth.txt') });
    assert.deepEqual(await labelsIn(await open()), { 'a.jpg': 'n01440764', 'b.jpg': '281' });
    await touch('val/c.jpg');
    await refuses('FORMAT', /has 2 labels for 3 images/, path('val'), {
      labels: path('truth.txt'),
    });
  });

  it('refuses what is missing, empty, unlabeled or ambiguous', async () => {
    await refuses('NOT_FOUND', /nowhere does not exist/, path('nowhere'));
    await mkdir(path('empty'));
    await refuses('EMPTY', /contains no images: .*empty/, path('empty'));
    await refuses('EMPTY', /No file matches the pattern/, path('*.tar'));
    await touch('flat/a.jpg');
    await refuses('LABEL', /None of the 1 images .* has a label/, path('flat'));
    await writeFile(path('list.txt'), '\n');
    await refuses('EMPTY', /names no images/, path('list.txt'));
    await writeFile(path('list.txt'), 'a.jpg 1\nb.jpg\n');
    await refuses('FORMAT', /no label on line 2: 'b.jpg'/, path('list.txt'));
    await writeFile(path('list.txt'), 'a.jpg 1\n\n./a.jpg 2\n');
    await refuses('DUPLICATE', /names a.jpg twice, on lines 1 and 3/, path('list.txt'));
    await writeFile(path('list.txt'), Buffer.from([0, 1, 2, 3]));
    await refuses('FORMAT', /is not a text file/, path('list.txt'));
    await refuses('NOT_FOUND', /no-labels does not exist/, path('flat'), {
      labels: path('no-labels'),
    });
  });
});
