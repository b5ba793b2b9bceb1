// Preprocessing by sharp and postprocessing for ONNX Runtime, as an expert in both would write them.
import sharp from 'sharp';

const side = 224;
const pixels = side * side;
const mean = [0.485, 0.456, 0.406];
const std = [0.229, 0.224, 0.225];
const scale = std.map((one) => 1 / (255 * one));
const shift = mean.map((one, channel) => -one / std[channel]);

/** Resizes the shorter side to 256 and crops the center: 8-bit RGB. */
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

function normalize(rgb, values, offset) {
  for (let channel = 0; channel < 3; channel++) {
    const [a, b] = [scale[channel], shift[channel]];
    for (let i = 0, source = channel; i < pixels; i++, source += 3) {
      values[offset++] = rgb[source] * a + b;
    }
  }
}

/** The most probable classes of a row of logits in descending order, with their probabilities. */
export function topk(logits, count = 5) {
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - largest), 0);
  const order = Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a]);
  const score = (index) => Math.exp(logits[index] - largest) / sum;
  return order.slice(0, count).map((index) => ({ index, score: score(index) }));
}

/** One batch of images, files or their bytes. `Tensor`: of ONNX Runtime. */
export async function prepareWith(Tensor, images) {
  const decoded = await Promise.all(images.map(decode));
  const values = new Float32Array(images.length * 3 * pixels);
  decoded.forEach((rgb, i) => normalize(rgb, values, i * 3 * pixels));
  return new Tensor('float32', values, [images.length, 3, side, side]);
}
