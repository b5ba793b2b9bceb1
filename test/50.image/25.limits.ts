import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import sharp from 'sharp';
import { ImageError, OptionError } from '../../src/errors';
import { decode, type DecodeLimits } from '../../src/image';
import { fixture } from '../support/image-goldens';
import { temporaryDirectory } from '../support/temporary';

/** Files of a few kilobytes that take long to decode. */
async function slowFiles(): Promise<Record<string, Buffer>> {
  const create = { width: 6000, height: 6000, channels: 3 as const, background: 'teal' };
  const image = sharp({ create });
  return {
    webp: await image.clone().webp({ effort: 0 }).toBuffer(),
    jpeg: await image.clone().jpeg({ progressive: true }).toBuffer(),
    png: await image.clone().png({ progressive: true, compressionLevel: 1 }).toBuffer(),
  };
}

function failsWith(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof ImageError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}

describe('decode: limits', () => {
  const directory = temporaryDirectory();
  let slow: Record<string, Buffer>;

  before(async function () {
    this.timeout(60_000);
    slow = await slowFiles();
  });

  it('limits.pixels rejects an image by its header', async () => {
    const limits = { pixels: 29 * 23 - 1 };
    for (const name of ['rgb.png', 'rgb.jpg', 'rgb.gif', 'rgb.tif', 'rgb.webp']) {
      const tooLarge = failsWith(
        'ERR_SEMISUP_IMAGE_TOO_LARGE',
        /has 29 x 23 pixels, more than the limit of 666\. .*limits\.pixels/,
      );
      await assert.rejects(decode(fixture(name), { limits }), tooLarge);
      await decode(fixture(name), { limits: { pixels: 29 * 23 } });
    }
  });

  it('limits.pixels applies to AVIF, BMP and Netpbm before they are decoded', async () => {
    const bmp = Buffer.alloc(60);
    bmp.write('BM');
    bmp.writeUInt32LE(40, 14);
    bmp.writeInt32LE(50_000, 18);
    bmp.writeInt32LE(-50_000, 22);
    const avif = await sharp(fixture('rgb.png')).avif().toBuffer();
    const size = avif.indexOf('ispe') + 8;
    avif.writeUInt32BE(50_000, size);
    avif.writeUInt32BE(50_000, size + 4);
    for (const file of [bmp, avif, Buffer.from('P6\n# comment\n50000 50000\n255\n')]) {
      const tooLarge = failsWith('ERR_SEMISUP_IMAGE_TOO_LARGE', /has 50000 x 50000 pixels/);
      await assert.rejects(decode(file), tooLarge);
    }
  });

  it('an AVIF file cannot state a smaller size than its image has', async () => {
    const avif = await sharp(fixture('rgb.png')).avif().toBuffer();
    avif.writeUInt32BE(10, avif.indexOf('ispe') + 8);
    const damaged = failsWith('ERR_SEMISUP_IMAGE_DECODE', /appears to be an AVIF image/);
    await assert.rejects(decode(avif), damaged);
  });

  it('limits.bytes rejects large files, buffers and streams', async () => {
    const path = join(directory.path, 'large.jpg');
    await writeFile(path, Buffer.alloc(1001));
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(100);
      })(),
    );
    const inputs = [path, Buffer.alloc(1001), new Blob([Buffer.alloc(1001)]), endless];
    for (const input of inputs) {
      const tooLarge = failsWith(
        'ERR_SEMISUP_IMAGE_TOO_LARGE',
        /larger than the limit of 1000 bytes.*limits\.bytes/,
      );
      await assert.rejects(decode(input, { limits: { bytes: 1000 } }), tooLarge);
    }
  });

  it('rejects FIFOs and devices at once (not on Windows: needs mkfifo)', async function () {
    if (process.platform === 'win32') this.skip();
    const fifo = join(directory.path, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const notRegular = failsWith('ERR_SEMISUP_IMAGE_DECODE', /not regular\. .*createReadStream/);
    // More than libuv has threads.
    const fifos = Array.from({ length: 8 }, () => assert.rejects(decode(fifo), notRegular));
    await Promise.all([...fifos, assert.rejects(decode('/dev/zero'), notRegular)]);
  });

  it('limits.bytes applies to a generated file whose size is not known', async function () {
    if (process.platform !== 'linux') this.skip();
    const tooLarge = failsWith('ERR_SEMISUP_IMAGE_TOO_LARGE', /limit of 10 bytes/);
    await assert.rejects(decode('/proc/self/status', { limits: { bytes: 10 } }), tooLarge);
  });

  it('reserves the size of the samples before it decodes', async () => {
    for (const name of [
      'rgb.png',
      'rgb.jpg',
      'rgb.gif',
      'rgb.tif',
      'rgb.webp',
      'grey.png',
      'rgba.png',
      'cmyk.jpg',
    ]) {
      const reserved: number[] = [];
      const reserve = (bytes: number) => Promise.resolve(void reserved.push(bytes));
      const { data } = await decode(fixture(name), { reserve });
      assert.deepEqual(reserved, [data.length]);
    }
    const refused = new Error('refused');
    await assert.rejects(
      decode(fixture('rgb.png'), { reserve: () => Promise.reject(refused) }),
      (error: Error) => error.cause === refused,
    );
  });

  it('minSide shrinks large JPEGs while they are decoded, to nearly the same picture', async () => {
    const [width, height] = [1801, 1203];
    const { data } = await decode(fixture('rgb.jpg'));
    const raw = { width: 29, height: 23, channels: 3 as const };
    const jpeg = await sharp(data, { raw })
      .resize(width, height, { fit: 'fill' })
      .jpeg()
      .toBuffer();
    const reserved: number[] = [];
    const reserve = (bytes: number) => Promise.resolve(void reserved.push(bytes));
    const shrunk = await decode(jpeg, { minSide: 400, reserve });
    assert.deepEqual([shrunk.width, shrunk.height], [600, 401]);
    assert.ok(reserved[0]! < (3 * width * height) / 8);
    const exact = await sharp((await decode(jpeg)).data, { raw: { width, height, channels: 3 } })
      .resize(600, 401, { fit: 'fill', kernel: 'linear' })
      .raw()
      .toBuffer();
    const differences = exact.map((sample, i) => Math.abs(sample - shrunk.data[i]!));
    assert.ok(differences.reduce((sum, one) => sum + one, 0) / exact.length < 2);
    for (const options of [{}, { minSide: 402 }]) {
      assert.equal((await decode(jpeg, options)).width, width);
    }
    const png = await sharp(jpeg).png({ compressionLevel: 1 }).toBuffer();
    assert.equal((await decode(png, { minSide: 10 })).width, width);
  });

  it('limits.milliseconds rejects an image that takes too long', async () => {
    for (const file of Object.values(slow)) {
      const timeout = failsWith('ERR_SEMISUP_IMAGE_TIMEOUT', /within the limit of 5 ms.*raise/);
      await assert.rejects(decode(file, { limits: { milliseconds: 5 } }), timeout);
    }
  });

  it("limits.milliseconds is named if libvips' own timer runs first, as on a busy event loop", async () => {
    const instances = sharp.prototype as { toBuffer: unknown };
    const { toBuffer } = instances;
    instances.toBuffer = () =>
      Promise.reject(new Error("timeout: 88% complete\nVipsImage: killed for image 'temp-1'"));
    try {
      const timeout = failsWith('ERR_SEMISUP_IMAGE_TIMEOUT', /within the limit of 10000 ms/);
      await assert.rejects(decode(fixture('rgb.png')), timeout);
    } finally {
      instances.toBuffer = toBuffer;
    }
  });

  it('an image behind slow ones is decoded once these exceed the limit', async function () {
    this.timeout(60_000);
    const file = slow.webp!;
    const alone = await duration(() => decode(file));
    // Two decoders may run at a time: the third image waits for one of them.
    const limits = { milliseconds: 20 };
    const blocking = [decode(file, { limits }), decode(file, { limits })];
    const waiting = duration(() => decode(fixture('rgb.png')));
    const results = await Promise.allSettled(blocking);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    const wait = await waiting;
    assert.ok(wait < alone, `waited ${wait} ms, but a slow image takes ${alone} ms`);
  });

  it('an aborted image releases its decoder', async () => {
    const file = slow.webp!;
    const alone = await duration(() => decode(file));
    const abort = new AbortController();
    const blocking = [1, 2].map(() => decode(file, { signal: abort.signal }));
    const waiting = duration(() => decode(fixture('rgb.png')));
    setTimeout(() => {
      abort.abort();
    }, 20);
    for (const image of blocking) await assert.rejects(image, { name: 'AbortError' });
    const wait = await waiting;
    assert.ok(wait < alone, `waited ${wait} ms, but a slow image takes ${alone} ms`);
  });

  it('rejects limits that are unknown or not positive integers', async () => {
    const invalid = [{ pixel: 5 }, { pixels: 0 }, { bytes: 1.5 }, { milliseconds: '5' }, null];
    for (const limits of invalid) {
      const image = fixture('rgb.png');
      await assert.rejects(decode(image, { limits: limits as DecodeLimits }), OptionError);
    }
  });
});

async function duration(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}
