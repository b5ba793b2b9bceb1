import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { ImageError, OptionError } from '../../src/errors';
import { decode, type ImageInput } from '../../src/image';
import { fixture } from '../support/image-goldens';
import { temporaryDirectory } from '../support/temporary';

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

describe('decode: invalid images', () => {
  const directory = temporaryDirectory();
  const write = async (name: string, data: Uint8Array | string) => {
    const path = join(directory.path, name);
    await writeFile(path, data);
    return path;
  };

  it('names the missing file', async () => {
    const path = join(directory.path, 'none.jpg');
    await rejects(path, 'ERR_SEMISUP_IMAGE_NOT_FOUND', /image .*none\.jpg does not exist/);
    await rejects(join(fixture('rgb.png'), 'x.png'), 'ERR_SEMISUP_IMAGE_NOT_FOUND', /rgb\.png/);
  });

  it('reports that the path is a directory', async () => {
    await rejects(directory.path, 'ERR_SEMISUP_IMAGE_DECODE', /is a directory/);
  });

  it('rejects a path that contains a null byte', async () => {
    await rejects('a\0b.jpg', 'ERR_SEMISUP_IMAGE_DECODE', /could not be read/);
  });

  it('identifies a text file with the extension .jpg', async () => {
    const path = await write('notes.jpg', 'Dear diary,\n');
    await rejects(
      path,
      'ERR_SEMISUP_IMAGE_FORMAT',
      /notes\.jpg is not a supported image.*appears to be text/,
    );
  });

  it('identifies other file formats', async () => {
    const formats: [string | number[], RegExp][] = [
      ['', /empty/],
      ['BM0000', /text/],
      ['<!DOCTYPE html><p>404', /web page/],
      ['<svg xmlns="http://www.w3.org/2000/svg"/>', /an SVG image.*Convert it/],
      ['%PDF-1.7', /PDF/],
      ['PK\x03\x04', /zip/],
      ['\0\0\0\x18ftypheic', /HEIC/],
      [[1, 2, 3, 4], /unknown format/],
    ];
    for (const [start, message] of formats) {
      const bytes = typeof start === 'string' ? Buffer.from(start, 'latin1') : Buffer.from(start);
      await rejects(bytes, 'ERR_SEMISUP_IMAGE_FORMAT', message);
    }
  });

  for (const name of ['rgb.jpg', 'rgb.png', 'rgb.webp', 'rgb.gif', 'rgb.tif']) {
    it(`rejects a truncated ${name}`, async () => {
      const bytes = await readFile(fixture(name));
      for (const length of [bytes.length >> 1, (bytes.length * 3) >> 2]) {
        const path = await write(name, bytes.subarray(0, length));
        await rejects(path, 'ERR_SEMISUP_IMAGE_DECODE', /appears to be a .* image.*truncated/);
      }
    });
  }

  it('accepts a file with trailing bytes after the image', async () => {
    const bytes = await readFile(fixture('rgb.jpg'));
    await decode(Buffer.concat([bytes, Buffer.alloc(100)]));
  });

  it('rejects a header of 100,000 x 100,000 pixels before it allocates memory', async () => {
    const path = await write('huge.png', hugePng());
    const message = /huge\.png has 100000 x 100000 pixels, more than the limit of 89478485/;
    await rejects(path, 'ERR_SEMISUP_IMAGE_TOO_LARGE', message);
  });

  it('rejects a GIF whose first frame has no pixels', async () => {
    const header = [...Buffer.from('GIF89a'), 2, 0, 2, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255];
    const frame = (width: number, height: number) =>
      Buffer.of(0x2c, 0, 0, 0, 0, width, 0, height, 0, 0);
    for (const descriptor of [frame(0, 2), frame(2, 0)]) {
      const gif = Buffer.from([...header, ...descriptor, 2, 2, 0x44, 1, 0, 0x3b]);
      await rejects(gif, 'ERR_SEMISUP_IMAGE_FORMAT', /a first frame without pixels/);
    }
  });

  it('rejects a GIF whose header is truncated', async () => {
    const bytes = await readFile(fixture('palette-transparent.gif'));
    for (const length of [6, 12, 13, 60, 13 + 96 + 3]) {
      const truncated = bytes.subarray(0, length);
      await rejects(truncated, 'ERR_SEMISUP_IMAGE_DECODE', /GIF/);
    }
  });
});

describe('decode: invalid arguments', () => {
  const rejectsArgument = async (image: unknown, message: RegExp) => {
    await rejects(image, 'ERR_SEMISUP_OPTION_VALUE', message, OptionError);
  };

  it('rejects arguments of another type', async () => {
    for (const image of [5, null, undefined, {}, []]) {
      await rejectsArgument(image, /path, a file URL, an encoded file \(Buffer/);
    }
  });

  it('rejects URLs that are not file URLs, and says how to read them', async () => {
    await rejectsArgument('https://example.com/photo.jpg', /file URL.*fetch/);
    await rejectsArgument(new URL('http://example.com/photo.jpg'), /file URL.*fetch/);
    await rejectsArgument('data:image/png;base64,AAAA', /file URL.*'base64'/);
  });

  it('quotes at most 200 characters of the input', async () => {
    const base64 = 'A'.repeat(99_842);
    for (const image of [base64, `data:image/png;base64,${base64}`]) {
      await rejectsArgument(image, /'base64'/);
      await assert.rejects(decode(image), (error: Error) => error.message.length < 500);
    }
    await assert.rejects(decode('B'.repeat(5000)), (error: Error) => error.message.length < 600);
  });

  it('rejects an empty path', async () => {
    await rejectsArgument('', /Expected a path for an image, but received '' .*Correct the image/);
  });

  it('rejects pixels that do not match their size', async () => {
    const data = new Uint8Array(12);
    const valid = { data, width: 2, height: 2, channels: 3 };
    await rejectsArgument({ ...valid, data: [1, 2, 3] }, /data/);
    await rejectsArgument({ ...valid, data: new Uint8Array(11) }, /2 x 2 x 3 = 12 bytes/);
    await rejectsArgument({ ...valid, width: 1.5 }, /width/);
    await rejectsArgument({ ...valid, height: -2, width: -2 }, /width/);
    await rejectsArgument({ ...valid, height: 0 }, /height/);
    await rejectsArgument({ ...valid, width: '2' }, /width/);
    await rejectsArgument({ ...valid, channels: 5 }, /channels/);
    await rejectsArgument({ ...valid, cmyk: true }, /cmyk/);
  });

  it('rejects pixels whose buffer was transferred', async () => {
    const data = new Uint8Array(12);
    structuredClone(data, { transfer: [data.buffer] });
    await rejectsArgument({ data, width: 2, height: 2, channels: 3 }, /12 bytes/);
  });

  it('rejects encoded files in resizable or detached buffers', async () => {
    const bytes = await readFile(fixture('rgb.png'));
    const Resizable = ArrayBuffer as new (length: number, options: object) => ArrayBuffer;
    const resizable = new Resizable(bytes.length, { maxByteLength: 2 * bytes.length });
    new Uint8Array(resizable).set(bytes);
    for (const image of [resizable, new Uint8Array(resizable), Buffer.from(resizable)]) {
      await rejectsArgument(image, /a non-resizable buffer for an image/);
    }
    const detached = new Uint8Array(bytes);
    const { buffer } = detached;
    structuredClone(buffer, { transfer: [buffer] });
    for (const image of [detached, buffer]) await rejectsArgument(image, /not detached/);
  });

  it('rejects a buffer that is transferred while it is read', async () => {
    const image = new Uint8Array(await readFile(fixture('rgb.png')));
    const decoding = decode(image);
    structuredClone(image.buffer, { transfer: [image.buffer] });
    await assert.rejects(decoding, { code: 'ERR_SEMISUP_IMAGE_DECODE' });
  });

  it('rejects streams of something else than bytes, also endless ones', async () => {
    for (const chunk of [1, 'text', undefined, {}]) {
      const endless = { async *[Symbol.asyncIterator]() { await Promise.resolve(); for (;;) yield chunk; } }; // prettier-ignore
      await rejectsArgument(endless, /a Uint8Array for a chunk/);
    }
  });

  it('rejects what an object with the methods of sharp returns, unless it is pixels', async () => {
    const fake = (result: unknown) => {
      const image = { metadata: () => 1, toBuffer: () => Promise.resolve(result) };
      return Object.assign(image, {
        clone: () => image,
        raw: () => image,
        toColourspace: () => image,
      });
    };
    const info = { width: 2, height: 2, channels: 3 };
    await rejectsArgument(fake({ data: new Uint8Array(11), info }), /2 x 2 x 3 = 12 bytes/);
    await rejects(fake(undefined), 'ERR_SEMISUP_IMAGE_DECODE', /could not be processed/);
  });

  it('rejects invalid options and names the nearest valid one', async () => {
    await assert.rejects(decode(fixture('rgb.png'), { orientt: true } as object), /'orient'/);
    await assert.rejects(decode(fixture('rgb.png'), { orient: 1 } as object), OptionError);
  });

  it('rejects with the reason of an aborted signal', async () => {
    const reason = new Error('enough');
    const before = decode(fixture('rgb.png'), { signal: AbortSignal.abort(reason) });
    await assert.rejects(before, reason);
    const abort = new AbortController();
    const during = decode(fixture('rgb.png'), { signal: abort.signal });
    abort.abort(reason);
    await assert.rejects(during, reason);
  });
});
