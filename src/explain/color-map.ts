/** Red, green and blue, 0 to 255. */
export type Color = readonly [red: number, green: number, blue: number];

/** The name of a color map. */
export type ColorMap = 'inferno' | 'magma' | 'viridis';

/**
 * Eleven equidistant colors each of Matplotlib's perceptually uniform maps (Smith and van der Walt 2015, CC0): equal
 * differences of values look equally large, also in print and to the color-blind.
 */
const tables: Readonly<Record<ColorMap, string>> = {
  inferno: '000004 160b39 420a68 6a176e 932667 bc3754 dd513a f37819 fca50a f6d746 fcffa4',
  magma: '000004 140e36 3b0f70 641a80 8c2981 b73779 de4968 f7705c fe9f6d fecf92 fcfdbf',
  viridis: '440154 482475 414487 355f8d 2a788e 21918c 22a884 44bf70 7ad151 bddf26 fde725',
};

export const colorMaps = Object.keys(tables) as ColorMap[];

const colors = Object.fromEntries(
  Object.entries(tables).map(([name, table]) => [name, table.split(' ').map(parse)]),
) as unknown as Readonly<Record<ColorMap, readonly Color[]>>;

/** The color of a value from 0 to 1. */
export function colorOf(map: ColorMap, value: number): Color {
  const table = colors[map];
  const position = Math.min(Math.max(value, 0), 1) * (table.length - 1);
  const index = Math.min(Math.floor(position), table.length - 2);
  const [a, b] = [table[index]!, table[index + 1]!];
  const t = position - index;
  return [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), a[2] + t * (b[2] - a[2])];
}

function parse(hex: string): Color {
  const number = parseInt(hex, 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}
