import type { HeatMap } from '../classify';
import { checkOptionNames, guardGetters, invalidArgument, invalidValue } from '../options';
import { colorMaps, colorOf, type ColorMap } from './color-map';
import { enlarge, type Grid } from './interpolate';

/** Options of `renderHeatMap`. */
export interface RenderHeatMapOptions {
  /** The width of the result in pixels, 1 to 4096; 224 by default. */
  readonly width?: number;
  /** The height of the result in pixels; its width by default. */
  readonly height?: number;
  /** Matplotlib's color map; `'inferno'` by default. */
  readonly colorMap?: ColorMap;
  /** How much the largest value covers of what is below, 0 to 1; 0.68 by default. Lower values cover less. */
  readonly opacity?: number;
}

/** Pixels with transparency, as `ImageData` of a canvas has them. */
export interface RenderedHeatMap {
  /** RGBA, row-major from the top; alpha is not premultiplied. */
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
  readonly channels: 4;
}

const maxSide = 4096;
/** The transparency of zero, relative to that of one: enough that the area of the map stays visible. */
const baseOpacity = 0.35;
/** Precomputed colors, more than a display distinguishes. */
const levels = 1024;

/**
 * Draws a heat map with transparency, to be laid over `map.box` of the image: enlarged by splines through its values,
 * from the color of 0 to that of 1. Needs no other package, and blocks the thread: 224 x 224 pixels take about a
 * millisecond. In a browser or a window of Electron, draw `new ImageData(data, width, height)` on a canvas.
 *
 * @throws OptionError if an option is unknown or has an invalid value, or `map` is no heat map
 */
export function renderHeatMap(
  map: Pick<HeatMap, 'data' | 'width' | 'height'>,
  options: RenderHeatMapOptions = {},
): RenderedHeatMap {
  checkOptionNames(options, ['width', 'height', 'colorMap', 'opacity'], 'renderHeatMap');
  const grid = readGrid(map);
  const { width = 224, height = width, colorMap = 'inferno', opacity = 0.68 } = options;
  checkSide('width', width);
  checkSide('height', height);
  checkAppearance(colorMap, opacity);
  const palette = paletteOf(colorMap, opacity);
  const { data: values } = enlarge(grid, width, height);
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < values.length; i++) {
    const start = 4 * Math.round(values[i]! * (levels - 1));
    for (let channel = 0; channel < 4; channel++) data[4 * i + channel] = palette[start + channel]!;
  }
  return { data, width, height, channels: 4 };
}

/** @throws OptionError unless the color map exists, and the opacity is from 0 to 1 */
export function checkAppearance(colorMap: unknown, opacity: unknown): void {
  if (!colorMaps.includes(colorMap as ColorMap)) {
    throw invalidValue('colorMap', `one of '${colorMaps.join(`', '`)}'`, colorMap);
  }
  if (typeof opacity !== 'number' || !(opacity >= 0 && opacity <= 1)) {
    throw invalidValue('opacity', 'a number from 0 to 1', opacity);
  }
}

/** The values of a heat map. @throws OptionError if `map` is none, or cannot be read */
export function readGrid(map: Grid): Grid {
  const grid = guardGetters('the heat map', map, () => {
    if (typeof map !== 'object' || map === null) return undefined;
    const { data, width, height } = map;
    return { data, width, height };
  });
  const isValid =
    grid?.data instanceof Float32Array &&
    Number.isInteger(grid.width) &&
    Number.isInteger(grid.height) &&
    grid.width > 0 &&
    grid.height > 0 &&
    grid.data.length === grid.width * grid.height;
  if (isValid) return grid;
  throw invalidArgument('a heat map', 'the result of explain()', map);
}

function checkSide(name: string, side: unknown): void {
  if (Number.isInteger(side) && (side as number) >= 1 && (side as number) <= maxSide) return;
  throw invalidValue(name, `a whole number from 1 to ${maxSide}`, side);
}

function paletteOf(colorMap: ColorMap, opacity: number): Uint8ClampedArray {
  const palette = new Uint8ClampedArray(4 * levels);
  for (let level = 0; level < levels; level++) {
    const value = level / (levels - 1);
    const alpha = opacity * (baseOpacity + (1 - baseOpacity) * value);
    palette.set([...colorOf(colorMap, value), 255 * alpha], 4 * level);
  }
  return palette;
}
