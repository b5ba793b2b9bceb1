import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { copyFile, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import sharp from 'sharp';
import { ImageError, OptionError } from '../../src/errors';
import { decode, type ImageInput } from '../../src/image';
import { files, fixture } from '../support/image-goldens';
import { noise, sha256 } from '../support/pixels';
import { temporaryDirectory } from '../support/temporary';

describe('decode: image inputs', () => {
  const directory = temporaryDirectory();
  const path = fixture('rgb.png');
  const expected = files['rgb.png']!.samples;
  const decodesTo = async (image: ImageInput) => {
    assert.equal(sha256((await decode(image)).data), expected);
  };

  it('accepts paths and file URLs', async () => {
    for (const image of [path, pathToFileURL(path), pathToFileURL(path).href]) {
      await decodesTo(image);
    }
  });

  it("reads files whose handles are not disposable, as in Yarn's Plug'n'Play", async () => {
    const handle = await open(path);
    const prototype = Object.getPrototypeOf(handle) as object;
    await handle.close();
    const dispose = Object.getOwnPropertyDescriptor(prototype, Symbol.asyncDispose)!;
    assert.ok(Reflect.deleteProperty(prototype, Symbol.asyncDispose));
    try {
      await decodesTo(path);
    } finally {
      Object.defineProperty(prototype, Symbol.asyncDispose, dispose);
    }
  });

  it('accepts the bytes of a file: Buffer, Uint8Array, ArrayBuffer, SharedArrayBuffer', async () => {
    const bytes = await readFile(path);
    await decodesTo(bytes);
    await decodesTo(new Uint8Array([0, ...bytes, 0]).subarray(1, -1));
    await decodesTo(Uint8Array.from(bytes).buffer);
    const shared = new SharedArrayBuffer(bytes.length);
    new Uint8Array(shared).set(bytes);
    await decodesTo(shared);
  });

  it('accepts a Uint8Array and an ArrayBuffer of another realm', async () => {
    const bytes = await readFile(path);
    await decodesTo(runInNewContext('Uint8Array.from(bytes)', { bytes }) as Uint8Array);
    await decodesTo(runInNewContext('Uint8Array.from(bytes).buffer', { bytes }) as ArrayBuffer);
  });

  it('accepts a Blob and a File, whose name messages quote', async () => {
    const bytes = await readFile(path);
    await decodesTo(new Blob([bytes]));
    await decodesTo(new File([bytes], 'photo.png'));
    await assert.rejects(decode(new File(['text'], 'notes.png')), /^ImageError: notes\.png is not/);
    await assert.rejects(decode(new Blob(['text'])), /The blob of 4 bytes is not a supported/);
  });

  it('accepts readable streams of Node and of the web, and async iterables', async () => {
    const bytes = await readFile(path);
    const chunks = async function* () {
      for (let i = 0; i < bytes.length; i += 10) yield bytes.subarray(i, i + 10);
      await Promise.resolve();
    };
    await decodesTo(createReadStream(path, { highWaterMark: 16 }));
    await decodesTo(Readable.from(chunks()));
    await decodesTo(new Blob([bytes]).stream());
    await decodesTo(new Response(bytes).body!);
    await decodesTo(chunks());
  });

  it('reports the error of a stream', async () => {
    const stream = Readable.from(
      (async function* () {
        yield Buffer.from([0xff]);
        await Promise.reject(new Error('connection reset'));
      })(),
    );
    await assert.rejects(decode(stream), /The stream could not be read: connection reset\./);
    const missing = createReadStream(join(directory.path, 'missing.png'));
    await assert.rejects(decode(missing), /The stream could not be read: ENOENT: .*missing\.png/);
  });

  it('reads a named pipe as a stream', async function () {
    if (process.platform === 'win32') this.skip();
    const pipe = join(directory.path, 'pipe');
    const writer = spawn('sh', ['-c', 'mkfifo "$1" && cat "$2" > "$1"', 'sh', pipe, path]);
    const closed = new Promise((resolve) => writer.once('close', resolve));
    while (!existsSync(pipe)) await setTimeout(10);
    await decodesTo(createReadStream(pipe));
    await closed;
  });

  it('accepts a sharp instance, and does not change it', async () => {
    const image = sharp(path);
    await decodesTo(image);
    assert.equal((await image.metadata()).format, 'png');
    const small = await decode(sharp(path).resize(7, 5).grayscale());
    assert.deepEqual([small.width, small.height], [7, 5]);
    await assert.rejects(decode(sharp('missing.png')), (error: unknown) => {
      assert.ok(error instanceof ImageError);
      assert.match(error.message, /The sharp instance could not be processed: .*missing/);
      return true;
    });
  });

  it('returns decoded pixels without copying them', async () => {
    const pixels = noise(5, 4, 2);
    const decoded = await decode(pixels);
    assert.deepEqual(decoded, { ...pixels, cmyk: false });
    assert.equal(decoded.data, pixels.data);
  });

  it('accepts the ImageData of a canvas without copying it', async () => {
    const data = new Uint8ClampedArray([1, 2, 3, 255, 4, 5, 6, 255]);
    const pixels = await decode({ data, width: 2, height: 1 });
    const expectedPixels = { data: [...data], width: 2, height: 1, channels: 4, cmyk: false };
    assert.deepEqual({ ...pixels, data: [...pixels.data] }, expectedPixels);
    assert.equal(pixels.data.buffer, data.buffer);
  });

  it('keeps the channels and the CMYK flag of clamped pixels, such as a RawImage', async () => {
    const rgb = await decode({
      data: new Uint8ClampedArray(6),
      width: 2,
      height: 1,
      channels: 3,
    });
    assert.deepEqual([rgb.channels, rgb.data.length], [3, 6]);
    const cmyk = await decode({
      data: new Uint8ClampedArray(8),
      width: 2,
      height: 1,
      channels: 4,
      cmyk: true,
    });
    assert.equal(cmyk.cmyk, true);
    const mismatch = { data: new Uint8ClampedArray(8), width: 2, height: 1, channels: 3 };
    await assert.rejects(decode(mismatch), OptionError);
  });

  it('does not modify the input bytes', async () => {
    for (const name of ['palette-transparent.gif', 'rgb.tif']) {
      const bytes = await readFile(fixture(name));
      const before = sha256(bytes);
      await decode(bytes);
      assert.equal(sha256(bytes), before);
    }
  });

  it('opens a path with brackets, which libvips would parse as options', async () => {
    const bracketed = join(directory.path, 'photo[page=1]');
    await copyFile(path, bracketed);
    await decodesTo(bracketed);
  });

  it('reads a file again after it was overwritten', async () => {
    const overwritten = join(directory.path, 'image.webp');
    for (const name of ['rgb.webp', 'exif-6.webp']) {
      await copyFile(fixture(name), overwritten);
      assert.equal(sha256((await decode(overwritten)).data), files[name]!.samples);
    }
  });
});
