/** Tensors with more elements are summarized. */
const threshold = 1000;
/** The number of entries at the start and end of each dimension in a summary. */
export const edgeItems = 3;
const lineWidth = 80;

export type Kind = 'float' | 'complex' | 'integer' | 'boolean';

export interface Printable {
  /**
   * The elements, row-major, or those of a summary: the first and last `edgeItems` of each dimension. Booleans
   * are 0 and 1; complex numbers are two elements.
   */
  readonly elements: ArrayLike<number> | ArrayLike<bigint>;
  /** The shape of the tensor, not of its summary. */
  readonly shape: readonly number[];
  readonly kind: Kind;
}

/** Whether a tensor of this shape is summarized. */
export function isSummarized(shape: readonly number[]): boolean {
  return shape.reduce((product, length) => product * length, 1) > threshold;
}

/**
 * Formats a tensor as PyTorch prints it (class `_Formatter` of PyTorch 2.13). All elements are as wide as
 * the widest one shown. Floats have four decimals, none if all are integers, or an exponent if the ratio
 * of their magnitudes exceeds 1000 or one lies outside 1e-4 to 1e8.
 *
 * @param name the text before the parenthesis
 * @param suffixes the text after the elements, e.g. `dtype=torch.int8`
 */
export function formatTensor(
  name: string,
  printable: Printable,
  suffixes: readonly string[],
): string {
  const opening = `${name}(`;
  return withSuffixes(
    opening + formatElements(printable, opening.length),
    suffixes,
    opening.length,
  );
}

function formatElements({ elements, shape, kind }: Printable, indent: number): string {
  if (elements.length === 0) return '[]';
  const isCut = isSummarized(shape);
  const { texts, width } = textsOf(Array.from<number | bigint>(elements), kind);
  let next = 0;

  const vector = (length: number, column: number): string => {
    const parts = texts.slice(next, (next += visibleCount(length, isCut)));
    if (parts.length < length) parts.splice(edgeItems, 0, ' ...');
    const perLine = Math.max(1, Math.floor((lineWidth - column) / (width + 2)));
    const lines: string[] = [];
    for (let i = 0; i < parts.length; i += perLine) {
      lines.push(parts.slice(i, i + perLine).join(', '));
    }
    return `[${lines.join(`,\n${' '.repeat(column + 1)}`)}]`;
  };
  const block = (dimension: number, column: number): string => {
    const length = shape[dimension]!;
    const inner = shape.length - 1 - dimension;
    if (inner === 0) return vector(length, column);
    const parts = Array.from({ length: visibleCount(length, isCut) }, () =>
      block(dimension + 1, column + 1),
    );
    if (parts.length < length) parts.splice(edgeItems, 0, '...');
    return `[${parts.join(`,${'\n'.repeat(inner)}${' '.repeat(column + 1)}`)}]`;
  };
  return shape.length === 0 ? texts[0]! : block(0, indent);
}

function visibleCount(length: number, isCut: boolean): number {
  return isCut ? Math.min(length, 2 * edgeItems) : length;
}

/** The texts of the elements, and the width by which PyTorch wraps lines. */
function textsOf(
  elements: readonly (number | bigint)[],
  kind: Kind,
): { texts: string[]; width: number } {
  if (kind === 'complex') return complexTexts(elements as number[]);
  const [format, width] =
    kind === 'float' ? floatFormat(elements as number[]) : integerFormat(elements, kind);
  return { texts: elements.map((element) => format(element).padStart(width)), width };
}

/** Only the real parts are padded; the imaginary ones count with their full width. */
function complexTexts(parts: readonly number[]): { texts: string[]; width: number } {
  const reals = parts.filter((_, i) => i % 2 === 0);
  const imaginaries = parts.filter((_, i) => i % 2 === 1);
  const [formatReal, realWidth] = floatFormat(reals);
  const [formatImaginary, imaginaryWidth] = floatFormat(imaginaries);
  const texts = reals.map((real, i) => {
    const imaginary = `${formatImaginary(imaginaries[i]!)}j`;
    return formatReal(real).padStart(realWidth) + imaginary.replace(/^(?!-)/, '+');
  });
  return { texts, width: realWidth + imaginaryWidth + 1 };
}

/** A formatter of elements, and the width of the widest one. */
type Format = [format: (element: number | bigint) => string, width: number];

function integerFormat(visible: readonly (number | bigint)[], kind: Kind): Format {
  const format = (element: number | bigint) => {
    if (kind === 'boolean') return element ? 'True' : 'False';
    return String(element);
  };
  return [format, maxWidth(visible, format)];
}

function floatFormat(visible: readonly number[]): Format {
  const finite = visible.filter((element) => element !== 0 && Number.isFinite(element));
  const min = finite.reduce((min, element) => Math.min(min, Math.abs(element)), Infinity);
  const max = finite.reduce((max, element) => Math.max(max, Math.abs(element)), -Infinity);
  const formatFinite = selectNotation(finite.every(Number.isInteger), min, max);
  const format = (element: number | bigint) => {
    if (Number.isFinite(element)) return formatFinite(element as number);
    return String(element).replace('NaN', 'nan').replace('Infinity', 'inf');
  };
  return [format, maxWidth(finite, format)];
}

function selectNotation(
  areIntegers: boolean,
  min: number,
  max: number,
): (element: number) => string {
  if (max / min > 1000 || max > 1e8 || min < 1e-4) return toScientific;
  return areIntegers ? (element) => `${sign(element)}${Math.abs(element)}.` : toFixedPoint;
}

function maxWidth(elements: readonly (number | bigint)[], format: Format[0]): number {
  return elements.reduce((width: number, element) => Math.max(width, format(element).length), 1);
}

function sign(element: number): string {
  return element < 0 || Object.is(element, -0) ? '-' : '';
}

function toFixedPoint(element: number): string {
  const magnitude = Math.abs(element);
  return sign(element) + toFourDigits((digits) => magnitude.toFixed(digits));
}

function toScientific(element: number): string {
  const magnitude = Math.abs(element);
  const text = toFourDigits((digits) => magnitude.toExponential(digits));
  return sign(element) + text.replace(/e([+-])(\d)$/, 'e$10$2');
}

/** Rounds ties to even, like C's printf; JavaScript rounds them up. */
function toFourDigits(write: (digits: number) => string): string {
  const half = /^(\d+\.\d{3}[02468])50*(e.+)?$/.exec(write(60));
  return half ? half[1]! + (half[2] ?? '') : write(4);
}

function withSuffixes(text: string, suffixes: readonly string[], indent: number): string {
  let lineLength = text.length - text.lastIndexOf('\n') + 1;
  for (const suffix of suffixes) {
    if (lineLength + suffix.length + 2 > lineWidth) {
      text += `,\n${' '.repeat(indent)}${suffix}`;
      lineLength = indent + suffix.length;
    } else {
      text += `, ${suffix}`;
      lineLength += suffix.length + 2;
    }
  }
  return `${text})`;
}
