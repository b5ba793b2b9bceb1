import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { ImageError, OptionError } from '../../src/errors';
import { decode, type ImageInput } from '../../src/image';
import { fixture } from '../support/image-goldens';
import { temporaryFolder } from '../support/temporary';

async function rejects(
  image: unknown,
  code: string,
  message: RegExp,
  type: typeof ImageError | typeof OptionError = ImageError,
): Promise<void> {
  await assert.rejects(decode(image as ImageInput), (error: unknown) => {
    assert.ok(error instanceof type);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  });
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function chunk(name: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(name), data]);
  return Buffer.concat([uint32(data.length), body, uint32(crc32(body))]);
}

function hugePng(): Buffer {
  const side = uint32(100_000);
  const rgb8 = Buffer.from([8, 2, 0, 0, 0]);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', Buffer.concat([side, side, rgb8])),
    chunk('IDAT', deflateSync(Buffer.alloc(100))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

describe('bad images', () => {
  const folder = temporaryFolder();
  const write = async (name: string, data: Uint8Array | string) => {
    const path = join(folder.path, name);
    await writeFile(path, data);
    return path;
  };

  it('a missing file is named', async () => {
    const path = join(folder.path, 'none.jpg');
    await rejects(path, 'ERR_SEMISUP_IMAGE_NOT_FOUND', /image .*none\.jpg does not exist/);
    await rejects(join(fixture('rgb.png'), 'x.png'), 'ERR_SEMISUP_IMAGE_NOT_FOUND', /rgb\.png/);
  });

  it('a folder is called a folder', async () => {
    await rejects(folder.path, 'ERR_SEMISUP_IMAGE_DECODE', /is a directory/);
  });

  it('a path with a zero byte is refused', async () => {
    await rejects('a\0b.jpg', 'ERR_SEMISUP_IMAGE_DECODE', /could not be read/);
  });

  it('a text file named .jpg is called text', async () => {
    const path = await write('notes.jpg', 'Dear diary,\n');
    await rejects(path, 'ERR_SEMISUP_IMAGE_DECODE', /notes\.jpg is not a supported image.*appears to be text/);
  });

  it('other kinds of files are called by their names', async () => {
    const kinds: [string | number[], RegExp][] = [
      ['', /empty/],
      ['BM0000', /BMP.*convert it/],
      ['<!DOCTYPE html><p>404', /web page/],
      ['%PDF-1.7', /PDF/],
      ['PK\x03\x04', /zip/],
      ['\0\0\0\x18ftypheic', /HEIC/],
      [[1, 2, 3, 4], /unknown format/],
    ];
    for (const [start, message] of kinds) {
      const bytes = typeof start === 'string' ? Buffer.from(start, 'latin1') : Buffer.from(start);
      await rejects(bytes, 'ERR_SEMISUP_IMAGE_DECODE', message);
    }
  });

  for (const name of ['rgb.jpg', 'rgb.png', 'rgb.webp', 'rgb.gif', 'rgb.tif']) {
    it(`${name} cut short is an error`, async () => {
      const bytes = await readFile(fixture(name));
      for (const length of [bytes.length >> 1, (bytes.length * 3) >> 2]) {
        const path = await write(name, bytes.subarray(0, length));
        await rejects(path, 'ERR_SEMISUP_IMAGE_DECODE', /appears to be a .* image.*truncated/);
      }
    });
  }

  it('a file with stray bytes behind the image is none', async () => {
    const bytes = await readFile(fixture('rgb.jpg'));
    await decode(Buffer.concat([bytes, Buffer.alloc(100)]));
  });

  it('a header of 100,000 x 100,000 pixels is refused before memory is taken', async () => {
    const path = await write('huge.png', hugePng());
    const message = /huge\.png has 100000 x 100000 pixels, more than the limit of 268402689/;
    await rejects(path, 'ERR_SEMISUP_IMAGE_TOO_LARGE', message);
  });

  it('a GIF that ends within its header is an error', async () => {
    const bytes = await readFile(fixture('palette-transparent.gif'));
    for (const length of [6, 12, 13, 60, 13 + 96 + 3]) {
      const cut = bytes.subarray(0, length);
      await rejects(cut, 'ERR_SEMISUP_IMAGE_DECODE', /GIF/);
    }
  });
});

describe('wrong arguments', () => {
  const wrong = async (image: unknown, message: RegExp) => {
    await rejects(image, 'ERR_SEMISUP_OPTION_VALUE', message, OptionError);
  };

  it('of another type are refused', async () => {
    for (const image of [5, null, undefined, {}, [], new ArrayBuffer(3)]) {
      await wrong(image, /path, a file URL, a Buffer/);
    }
  });

  it('URLs of other kinds are refused', async () => {
    await wrong('https://example.com/photo.jpg', /file URL/);
    await wrong(new URL('http://example.com/photo.jpg'), /file URL/);
    await wrong('data:image/png;base64,AAAA', /file URL/);
  });

  it('pixels that do not fit their size are refused', async () => {
    const data = new Uint8Array(12);
    const good = { data, width: 2, height: 2, channels: 3 };
    await wrong({ ...good, data: [1, 2, 3] }, /data/);
    await wrong({ ...good, data: new Uint8Array(11) }, /2 x 2 x 3 = 12 bytes/);
    await wrong({ ...good, width: 1.5 }, /width/);
    await wrong({ ...good, height: -2, width: -2 }, /width/);
    await wrong({ ...good, height: 0 }, /height/);
    await wrong({ ...good, width: '2' }, /width/);
    await wrong({ ...good, channels: 5 }, /channels/);
    await wrong({ ...good, cmyk: true }, /cmyk/);
  });

  it('pixels that were transferred away are refused', async () => {
    const data = new Uint8Array(12);
    structuredClone(data, { transfer: [data.buffer] });
    await wrong({ data, width: 2, height: 2, channels: 3 }, /12 bytes/);
  });

  it('misspelt options are refused', async () => {
    await assert.rejects(decode(fixture('rgb.png'), { orientt: true } as object), /'orient'/);
    await assert.rejects(decode(fixture('rgb.png'), { orient: 1 } as object), OptionError);
  });

  it('an aborted signal rejects with its reason', async () => {
    const reason = new Error('enough');
    const before = decode(fixture('rgb.png'), { signal: AbortSignal.abort(reason) });
    await assert.rejects(before, reason);
    const abort = new AbortController();
    const during = decode(fixture('rgb.png'), { signal: abort.signal });
    abort.abort(reason);
    await assert.rejects(during, reason);
  });
});
