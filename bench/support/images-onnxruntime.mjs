// A contender of end-to-end.mjs: sharp and ONNX Runtime, as one who knows both would write it.
//   node images-onnxruntime.mjs MODEL.onnx IMAGES THREADS
import sharp from 'sharp';
import { openSession } from './onnxruntime.mjs';
import { serveImages } from './serve-images.mjs';

const [path, folder, threads] = process.argv.slice(2);
const batchSize = 8;
const side = 224;
const pixels = side * side;
const mean = [0.485, 0.456, 0.406];
const std = [0.229, 0.224, 0.225];
const scale = std.map((one) => 1 / (255 * one));
const shift = mean.map((one, channel) => -one / std[channel]);

/** The centre of a picture whose shorter side is 256: RGB, 8 bits each. */
function decode(bytes) {
  const margin = (256 - side) / 2;
  return sharp(bytes)
    .resize(256, 256, { fit: 'cover', kernel: 'linear' })
    .extract({ left: margin, top: margin, width: side, height: side })
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer();
}

function normalise(rgb, values, offset) {
  for (let channel = 0; channel < 3; channel++) {
    const [a, b] = [scale[channel], shift[channel]];
    for (let i = 0, from = channel; i < pixels; i++, from += 3) {
      values[offset++] = rgb[from] * a + b;
    }
  }
}

/** The likeliest classes of a row of logits, best first, and their probabilities. */
function topk(logits, count = 5) {
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - largest), 0);
  const order = Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a]);
  const score = (index) => Math.exp(logits[index] - largest) / sum;
  return order.slice(0, count).map((index) => ({ index, score: score(index) }));
}

await serveImages(folder, async () => {
  const { session, Tensor } = await openSession(path, Number(threads));

  async function prepare(images) {
    const pictures = await Promise.all(images.map(decode));
    const values = new Float32Array(images.length * 3 * pixels);
    pictures.forEach((rgb, i) => normalise(rgb, values, i * 3 * pixels));
    return new Tensor('float32', values, [images.length, 3, side, side]);
  }

  async function classify(images) {
    const answers = [];
    let next = prepare(images.slice(0, batchSize));
    for (let start = 0; start < images.length; start += batchSize) {
      const x = await next;
      const after = images.slice(start + batchSize, start + 2 * batchSize);
      // Decoded by sharp's threads while this one runs.
      if (after.length > 0) next = prepare(after);
      const { y } = await session.run({ x });
      const classes = y.dims[1];
      for (let row = 0; row < y.dims[0]; row++) {
        answers.push(topk(y.data.subarray(row * classes, (row + 1) * classes)));
      }
    }
    return answers;
  }

  return async (images) => (await classify(images)).map(([best]) => best);
});
