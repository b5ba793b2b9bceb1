/** A slope with its 95 % confidence interval. */
export interface Slope {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** The least-squares slope of points (x, y), with the normal approximation of its interval. */
export function slopeOf(points: readonly (readonly [number, number])[]): Slope {
  const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
  const [meanX, meanY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const sum = (term: (x: number, y: number) => number) =>
    points.reduce((total, [x, y]) => total + term(x - meanX, y - meanY), 0);
  const squares = sum((x) => x * x);
  const value = sum((x, y) => x * y) / squares;
  const residuals = sum((x, y) => (y - value * x) ** 2);
  const error = Math.sqrt(residuals / Math.max(1, points.length - 2) / squares);
  return { value, low: value - 1.96 * error, high: value + 1.96 * error };
}
