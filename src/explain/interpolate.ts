/** A grid of values, row-major. */
export interface Grid {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** The weights of four neighbors, and their positions. */
interface Sample {
  readonly indices: readonly number[];
  readonly weights: readonly number[];
}

/**
 * Enlarges a grid by Catmull-Rom splines, which pass through its values, at the centers of its cells. Beyond the outer
 * centers its border is repeated. What overshoots is clipped to 0..1.
 */
export function enlarge({ data, width, height }: Grid, columns: number, rows: number): Grid {
  const horizontal = samplesOf(width, columns);
  const vertical = samplesOf(height, rows);
  // First the rows of the grid, then its columns.
  const wide = new Float32Array(columns * height);
  for (let y = 0; y < height; y++) {
    for (const [x, sample] of horizontal.entries()) {
      wide[y * columns + x] = clip(combine(sample, (i) => data[y * width + i]!));
    }
  }
  const result = new Float32Array(columns * rows);
  for (const [y, sample] of vertical.entries()) {
    for (let x = 0; x < columns; x++) {
      result[y * columns + x] = clip(combine(sample, (i) => wide[i * columns + x]!));
    }
  }
  return { data: result, width: columns, height: rows };
}

function combine({ indices, weights }: Sample, valueAt: (index: number) => number): number {
  return indices.reduce((sum, index, i) => sum + weights[i]! * valueAt(index), 0);
}

function clip(value: number): number {
  return Math.min(Math.max(value, 0), 1);
}

function samplesOf(cells: number, count: number): Sample[] {
  return Array.from({ length: count }, (_, i) => {
    const position = ((i + 0.5) * cells) / count - 0.5;
    const first = Math.floor(position);
    const t = position - first;
    const indices = [-1, 0, 1, 2].map((step) => Math.min(Math.max(first + step, 0), cells - 1));
    const weights = [
      ((2 - t) * t - 1) * t,
      (3 * t - 5) * t * t + 2,
      ((4 - 3 * t) * t + 1) * t,
      (t - 1) * t * t,
    ].map((weight) => weight / 2);
    return { indices, weights };
  });
}
