import { viewCounts } from '../image';
import { Tensor } from '../native';
import type { Views } from '../types';

/** Options of calls that can show a model several views of each image. */
export interface ViewOptions {
  /**
   * What the model sees of each image: `'center'`, the default; `'flip'`, the center and its mirror image; `'five-crop'`,
   * the four corners and the center of the resized image; or `'ten-crop'`, these and those of the mirrored image, as
   * torchvision's `FiveCrop` and `TenCrop`. The model's output is averaged over the views, before softmax, as in the
   * documentation of `TenCrop`: logits and embeddings are means, which belong together, because the last layer is
   * linear. (Krizhevsky et al., 2012, averaged probabilities.) An image is decoded and resized once; the model takes
   * 2, 5 or 10 times as long.
   */
  readonly views?: Views;
}

/**
 * Averages the output for the views of each image.
 *
 * @param output float32 [n * views, columns], the views of an image one after another
 * @returns float32 [n, columns]; the caller disposes it
 */
export async function averageViews(
  output: Tensor<'float32'>,
  views: Views,
): Promise<Tensor<'float32'>> {
  const count = viewCounts[views];
  const [rows = 0, ...rest] = output.shape;
  const data = await output.data();
  const shape = [rows / count, ...rest];
  const columns = data.length / rows;
  const means = new Float32Array(data.length / count);
  for (let i = 0; i < means.length; i++) {
    const start = Math.floor(i / columns) * count * columns + (i % columns);
    let sum = 0;
    for (let view = 0; view < count; view++) sum += data[start + view * columns]!;
    means[i] = sum / count;
  }
  return Tensor.from(means, shape);
}
