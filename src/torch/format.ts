/** Tensors of more elements are shortened, as PyTorch does. */
const threshold = 1000;
/** How many elements of each dimension stay at either end. */
const edge = 3;

/** Rows of rows of elements, as PyTorch prints a tensor; long dimensions shortened. */
export function formatElements(
  elements: ArrayLike<number | bigint>,
  shape: readonly number[],
  kind: 'float' | 'integer' | 'boolean',
): string {
  const short = elements.length > threshold;
  const format = (offset: number, dimension: number): string => {
    if (dimension === shape.length) return formatOne(elements[offset]!, kind);
    const length = shape[dimension]!;
    const step = shape.slice(dimension + 1).reduce((a, b) => a * b, 1);
    const parts: string[] = [];
    for (let i = 0; i < length; i++) {
      if (short && length > 2 * edge && i === edge) {
        parts.push('...');
        i = length - edge;
      }
      parts.push(format(offset + i * step, dimension + 1));
    }
    const depth = shape.length - 1 - dimension;
    const between = depth === 0 ? ', ' : `,${'\n'.repeat(depth)}${' '.repeat(8 + dimension)}`;
    return `[${parts.join(between)}]`;
  };
  return format(0, 0);
}

function formatOne(value: number | bigint, kind: 'float' | 'integer' | 'boolean'): string {
  if (kind === 'boolean') return value ? 'True' : 'False';
  if (kind === 'integer' || typeof value === 'bigint') return String(value);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e8)) {
    return value.toExponential(4).replace(/e([+-])(\d)$/, 'e$10$2');
  }
  return Number.isInteger(value) ? `${value}.` : value.toFixed(4);
}
