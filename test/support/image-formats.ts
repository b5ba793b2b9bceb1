import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ImageError } from '../../src/errors';
import { decode } from '../../src/image';
import type { Pixels } from '../../src/types';
import { sha256 } from './pixels';

/** Pillow's samples of a file, or their SHA-256. */
export interface PillowImage {
  readonly width: number;
  readonly height: number;
  readonly samples: Buffer | undefined;
  readonly hash: string | undefined;
}

/** A file of test/50.image/formats.json. */
export interface FormatFile {
  readonly format: string;
  readonly color: string;
  readonly bits: string;
  readonly variant: string;
  readonly bytes: Buffer;
  /** Undefined if Pillow rejects the file. */
  readonly pillow: PillowImage | undefined;
  /** After `exif_transpose`, if that changes the image. */
  readonly oriented: PillowImage | undefined;
}

type Row = Readonly<Record<string, string | number | undefined>>;

const path = join(__dirname, '../50.image/formats.json');

/** The files that test/50.image/make-formats.py made. */
export const formatFiles: readonly FormatFile[] = (
  JSON.parse(readFileSync(path, 'utf8')) as Row[]
).map((row) => ({
  format: String(row.format),
  color: String(row.color),
  bits: String(row.bits),
  variant: String(row.variant),
  bytes: Buffer.from(String(row.file), 'base64'),
  pillow: pillowImage(row.width, row.height, row.samples, row.hash),
  oriented: pillowImage(row.orientedWidth, row.orientedHeight, row.orientedSamples, undefined),
}));

function pillowImage(
  width: string | number | undefined,
  height: string | number | undefined,
  samples: string | number | undefined,
  hash: string | number | undefined,
): PillowImage | undefined {
  if (width === undefined) return undefined;
  return {
    width: Number(width),
    height: Number(height),
    samples: samples === undefined ? undefined : Buffer.from(String(samples), 'base64'),
    hash: hash === undefined ? undefined : String(hash),
  };
}

/** How a file is decoded: to Pillow's samples, to nearly these, not at all, or to other samples. */
export type Verdict =
  | { kind: 'identical' }
  | { kind: 'near'; levels: number }
  | { kind: 'rejected'; code: string }
  | { kind: 'different'; reason: string };

/** Decodes a file, and compares it with Pillow. */
export async function judge(file: FormatFile, orient: boolean): Promise<Verdict> {
  const pillow = orient ? (file.oriented ?? file.pillow) : file.pillow;
  let pixels: Pixels;
  try {
    pixels = await decode(file.bytes, { orient });
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return { kind: 'rejected', code: error.code };
  }
  if (!pillow) return { kind: 'different', reason: 'Pillow rejects it' };
  const { width, height } = pixels;
  if (width !== pillow.width || height !== pillow.height) {
    return { kind: 'different', reason: `${width} x ${height} pixels` };
  }
  const samples = toPillowSamples(pixels);
  if (!pillow.samples) {
    if (sha256(samples) === pillow.hash) return { kind: 'identical' };
    return { kind: 'different', reason: 'other samples' };
  }
  // image-rs extrapolates the subsampled chroma of AVIF to the last column and row of an odd size; the
  // orientation decides on which side these are.
  const isInner = (value: number, size: number) => value > 0 && value < size - 1;
  const isCompared = (i: number) =>
    file.format !== 'AVIF' ||
    (isInner(Math.floor(i / 3) % width, width) && isInner(Math.floor(i / 3 / width), height));
  let levels = 0;
  for (const [i, sample] of samples.entries()) {
    if (isCompared(i)) levels = Math.max(levels, Math.abs(sample - pillow.samples[i]!));
  }
  if (levels === 0 && samples.equals(pillow.samples)) return { kind: 'identical' };
  return { kind: 'near', levels };
}

/** The samples as in Pillow after `convert('RGB')`, or of mode CMYK. */
function toPillowSamples({ data, width, height, channels, cmyk }: Pixels): Buffer {
  if (cmyk || channels === 3) return Buffer.from(data);
  const rgb = Buffer.alloc(width * height * 3);
  for (let i = 0; i < rgb.length; i++) {
    rgb[i] = data[Math.floor(i / 3) * channels + (channels < 3 ? 0 : i % 3)]!;
  }
  return rgb;
}

/** The largest difference from Pillow that is documented, in levels. */
export const maxLevels: Readonly<Record<string, number>> = { AVIF: 3, BMP: 1, Netpbm: 1 };

/** The table of docs/image-formats.md: consecutive files of one kind and result share a row. */
export function formatTable(
  results: readonly { readonly file: FormatFile; readonly verdict: Verdict }[],
): string {
  const rows: { cells: string[]; variants: string[] }[] = [];
  for (const { file, verdict } of results) {
    const { format, color, bits, variant } = file;
    const cells = [format, color, bits, describeVerdict(file, verdict)];
    const row = rows.find((other) => other.cells.join() === cells.join());
    if (!row) rows.push({ cells, variants: [variant] });
    else if (!row.variants.includes(variant)) row.variants.push(variant);
  }
  const lines = rows.map(({ cells: [format, color, bits, result], variants }) =>
    [format, color, bits, variants.join('; '), result].join(' | '),
  );
  const header = [
    'Format | Color | Bits per sample (BMP: per pixel) | Variants | Result',
    '--- | --- | --- | --- | ---',
  ];
  return [...header, ...lines].map((line) => `| ${line} |`).join('\n');
}

function describeVerdict({ format, pillow }: FormatFile, verdict: Verdict): string {
  if (verdict.kind === 'near')
    return `near: at most ${maxLevels[format]} ${maxLevels[format] === 1 ? 'level' : 'levels'}`;
  if (verdict.kind === 'rejected') return pillow ? 'rejected' : 'rejected, also by Pillow';
  return verdict.kind;
}
