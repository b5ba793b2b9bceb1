import type { Sharp } from 'sharp';
import type { HeatMap } from '../classify';
import { decode, type DecodedPixels, type DecodeLimits, type ImageInput } from '../image';
import { pixelsToSharp } from '../image/pixels-to-sharp';
import { loadSharp } from '../image/native-decoders';
import {
  checkOptionNames,
  checkSignal,
  guardGetters,
  invalidArgument,
  invalidValue,
} from '../options';
import type { Pixels } from '../types';
import { captionLines, captionSvg } from './caption';
import type { ColorMap } from './color-map';
import { checkAppearance, readGrid, renderHeatMap } from './render-heat-map';

/** The formats of an overlay. */
export type OverlayFormat = 'png' | 'jpeg' | 'webp';

/** Options of `renderOverlay`. */
export interface OverlayOptions {
  /** That of the call of `explain`; `false` by default. */
  readonly orient?: boolean;
  /** Limits on the size of the image and the time to decode it. */
  readonly limits?: DecodeLimits;
  /** Matplotlib's color map; `'inferno'` by default. */
  readonly colorMap?: ColorMap;
  /** How much the largest value covers of the image, 0 to 1; 0.68 by default. Lower values cover less. */
  readonly opacity?: number;
  /** `'png'` by default. */
  readonly format?: OverlayFormat;
  readonly signal?: AbortSignal;
}

const optionNames: readonly (keyof OverlayOptions)[] = [
  ...(['orient', 'limits', 'colorMap', 'opacity', 'format', 'signal'] as const),
];

const formats: readonly OverlayFormat[] = ['png', 'jpeg', 'webp'];

/** The longer side of the image in an overlay, in pixels: text must be legible next to a small image. */
const sides = { min: 640, max: 1600 };
/** The least width of an overlay, for the caption. */
const minWidth = 420;
/** Enough for splines: sharp enlarges the rest. */
const maxMapSide = 512;

/**
 * Draws a heat map over its image: what the model did not see is dimmed, and a caption below states the class, its
 * score and the scale of the colors. The longer side of the image becomes 640 to 1600 pixels. The text of the caption
 * needs a font of the system.
 *
 * @param image the image of the call of `explain`; not a stream, which can be read only once
 * @param map the result of that call
 * @returns an encoded file
 * @throws ImageError if the image is missing, corrupt or too large
 * @throws OptionError if an option is unknown or has an invalid value, or the image is not that of the map
 */
export async function renderOverlay(
  image: ImageInput,
  map: HeatMap,
  options: OverlayOptions = {},
): Promise<Buffer> {
  checkOptionNames(options, optionNames, 'renderOverlay');
  const { orient, limits, colorMap = 'inferno', opacity = 0.68, format = 'png', signal } = options;
  const drawn = readHeatMap(map);
  checkAppearance(colorMap, opacity);
  checkSignal(signal);
  if (!formats.includes(format)) {
    throw invalidValue('format', `one of '${formats.join(`', '`)}'`, format);
  }
  const pixels = await decode(image, { orient, limits, signal });
  checkSize(pixels, drawn);
  signal?.throwIfAborted();
  const overlay = await draw(pixels, drawn, colorMap, opacity);
  // With a quality, sharp would reduce a PNG to a palette.
  return await overlay.toFormat(format, format === 'png' ? {} : { quality: 90 }).toBuffer();
}

async function draw(
  pixels: DecodedPixels,
  map: HeatMap,
  colorMap: ColorMap,
  opacity: number,
): Promise<Sharp> {
  const sharp = loadSharp();
  const longer = Math.max(pixels.width, pixels.height);
  const scale = Math.min(Math.max(longer, sides.min), sides.max) / longer;
  const size = (length: number) => Math.max(1, Math.round(length * scale));
  const [width, height] = [size(pixels.width), size(pixels.height)];
  const canvasWidth = Math.max(width, minWidth);
  const font = Math.round(Math.min(Math.max(canvasWidth / 28, 16), 40));
  const captionHeight = Math.round(captionLines * font);
  const box = {
    left: Math.min(Math.round(map.box.x * scale), width - 1),
    top: Math.min(Math.round(map.box.y * scale), height - 1),
    width: size(map.box.width),
    height: size(map.box.height),
  };
  const heat = renderHeatMap(map, {
    ...{ colorMap, opacity },
    width: Math.min(box.width, maxMapSide),
    height: Math.min(box.height, maxMapSide),
  });
  const photo = await pixelsToSharp(pixels).resize(width, height, { fit: 'fill' }).png().toBuffer();
  const heatLayer = await sharp(heat.data, { raw: heat })
    .resize(box.width, box.height, { fit: 'fill', kernel: 'cubic' })
    .png()
    .toBuffer();
  const left = Math.floor((canvasWidth - width) / 2);
  const below = { width: canvasWidth, height: height + captionHeight };
  return sharp({ create: { ...below, channels: 3, background: '#15151a' } }).composite([
    { input: photo, left, top: 0 },
    { input: heatLayer, left: left + box.left, top: box.top },
    { input: Buffer.from(frameSvg({ width, height }, box)), left, top: 0 },
    { input: Buffer.from(captionSvg(map, colorMap, canvasWidth, font)), left: 0, top: height },
  ]);
}

/** Dims what is outside of the box, and outlines it. */
function frameSvg(
  { width, height }: { readonly width: number; readonly height: number },
  box: { readonly left: number; readonly top: number; readonly width: number; height: number },
): string {
  const { left, top } = box;
  const hole = `M${left} ${top}h${box.width}v${box.height}h${-box.width}z`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
<path d="M0 0h${width}v${height}h${-width}z${hole}" fill="#000" fill-opacity="0.6" fill-rule="evenodd"/>
<path d="${hole}" fill="none" stroke="#fff" stroke-opacity="0.85" stroke-width="2"/>
</svg>`;
}

/** A copy of what is drawn. @throws OptionError if `map` is no heat map, or cannot be read */
function readHeatMap(map: HeatMap): HeatMap {
  const grid = readGrid(map);
  const copy = guardGetters('the heat map', map, () => {
    const { class: prediction, max, box, image } = map;
    return { ...grid, class: { ...prediction }, max, box: { ...box }, image: { ...image } };
  });
  const { class: prediction, max, box, image } = copy;
  const numbers = [max, prediction.score, box.x, box.y, box.width, box.height];
  const isValid =
    typeof prediction.label === 'string' &&
    [...numbers, image.width, image.height].every(Number.isFinite) &&
    box.x >= 0 &&
    box.y >= 0 &&
    box.x + box.width <= image.width + 1 &&
    box.y + box.height <= image.height + 1;
  if (isValid) return copy;
  throw invalidArgument('a heat map', 'the result of explain()', map);
}

function checkSize({ width, height }: Pixels, { image }: HeatMap): void {
  if (image.width === width && image.height === height) return;
  throw invalidArgument(
    'the image of an overlay',
    `the image of ${image.width} x ${image.height} pixels that was explained, with the same \`orient\`,`,
    `${width} x ${height} pixels`,
  );
}
