/** Tensors of more elements are shortened. */
const threshold = 1000;
/** How many entries of each dimension then stay at either end. */
const edge = 3;
const lineWidth = 80;

/** Elements in row-major order: floating point numbers, integers, or booleans as 0 and 1. */
export interface Printable {
  readonly elements: ArrayLike<number> | ArrayLike<bigint>;
  readonly shape: readonly number[];
  readonly kind: 'float' | 'integer' | 'boolean';
}

/**
 * A tensor as PyTorch prints it (its class `_Formatter` of 2.13): all elements are as wide as the widest
 * that is shown; floats have four decimals, or none where all are whole, or an exponent where their
 * sizes differ by more than 1000 or are beyond 1e-4 to 1e8.
 *
 * @param suffixes what follows the elements, e.g. `dtype=torch.int8`
 */
export function formatTensor(printable: Printable, suffixes: readonly string[]): string {
  const opening = 'tensor(';
  return withSuffixes(
    opening + formatElements(printable, opening.length),
    suffixes,
    opening.length,
  );
}

function formatElements({ elements, shape, kind }: Printable, indent: number): string {
  if (elements.length === 0) return '[]';
  const isShort = elements.length > threshold;
  const shown = [...shownOffsets(shape, isShort)].map((offset) => elements[offset]!);
  const [format, width] =
    kind === 'float' ? floatFormat(shown as number[]) : plainFormat(shown, kind);
  const texts = shown.map((element) => format(element).padStart(width));
  let next = 0;

  const vector = (length: number, column: number): string => {
    const parts = texts.slice(next, (next += shownCount(length, isShort)));
    if (parts.length < length) parts.splice(edge, 0, ' ...');
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
    const parts = Array.from({ length: shownCount(length, isShort) }, () =>
      block(dimension + 1, column + 1),
    );
    if (parts.length < length) parts.splice(edge, 0, '...');
    return `[${parts.join(`,${'\n'.repeat(inner)}${' '.repeat(column + 1)}`)}]`;
  };
  return shape.length === 0 ? texts[0]! : block(0, indent);
}

function shownCount(length: number, isShort: boolean): number {
  return isShort ? Math.min(length, 2 * edge) : length;
}

/** Where the elements lie that are shown. */
function* shownOffsets(shape: readonly number[], isShort: boolean, offset = 0): Generator<number> {
  const [length, ...inner] = shape;
  if (length === undefined) {
    yield offset;
    return;
  }
  const step = inner.reduce((product, one) => product * one, 1);
  const count = shownCount(length, isShort);
  for (let i = 0; i < count; i++) {
    const index = i < edge ? i : length - count + i;
    yield* shownOffsets(inner, isShort, offset + index * step);
  }
}

/** How elements are written, and how wide the widest is. */
type Format = [format: (element: number | bigint) => string, width: number];

function plainFormat(shown: readonly (number | bigint)[], kind: Printable['kind']): Format {
  const format = (element: number | bigint) => {
    if (kind === 'boolean') return element ? 'True' : 'False';
    return String(element);
  };
  return [format, widest(shown, format)];
}

function floatFormat(shown: readonly number[]): Format {
  const decisive = shown.filter((element) => element !== 0 && Number.isFinite(element));
  const least = decisive.reduce((least, one) => Math.min(least, Math.abs(one)), Infinity);
  const most = decisive.reduce((most, one) => Math.max(most, Math.abs(one)), -Infinity);
  const write = chooseNotation(decisive.every(Number.isInteger), least, most);
  const format = (element: number | bigint) => {
    if (Number.isFinite(element)) return write(element as number);
    return String(element).replace('NaN', 'nan').replace('Infinity', 'inf');
  };
  return [format, widest(decisive, format)];
}

function chooseNotation(
  isWhole: boolean,
  least: number,
  most: number,
): (element: number) => string {
  if (most / least > 1000 || most > 1e8 || least < 1e-4) return scientific;
  return isWhole ? (element) => `${sign(element)}${Math.abs(element)}.` : decimal;
}

function widest(elements: readonly (number | bigint)[], format: Format[0]): number {
  return elements.reduce((width: number, one) => Math.max(width, format(one).length), 1);
}

function sign(element: number): string {
  return element < 0 || Object.is(element, -0) ? '-' : '';
}

function decimal(element: number): string {
  const size = Math.abs(element);
  return sign(element) + toFourDigits((digits) => size.toFixed(digits));
}

function scientific(element: number): string {
  const size = Math.abs(element);
  const text = toFourDigits((digits) => size.toExponential(digits));
  return sign(element) + text.replace(/e([+-])(\d)$/, 'e$10$2');
}

/** Rounds a number half way between two to the even one, as C does; JavaScript takes the larger. */
function toFourDigits(write: (digits: number) => string): string {
  const half = /^(\d+\.\d{3}[02468])50*(e.+)?$/.exec(write(60));
  return half ? half[1]! + (half[2] ?? '') : write(4);
}

function withSuffixes(text: string, suffixes: readonly string[], indent: number): string {
  let lastLine = text.length - text.lastIndexOf('\n') + 1;
  for (const suffix of suffixes) {
    if (lastLine + suffix.length + 2 > lineWidth) {
      text += `,\n${' '.repeat(indent)}${suffix}`;
      lastLine = indent + suffix.length;
    } else {
      text += `, ${suffix}`;
      lastLine += suffix.length + 2;
    }
  }
  return `${text})`;
}
