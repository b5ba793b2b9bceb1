/** Numbers of the fields that decide whether an image can be decoded. Source: TIFF 6.0, appendix A. */
const tags = {
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  planarConfiguration: 284,
  colorMap: 320,
  tileWidth: 322,
  extraSamples: 338,
  sampleFormat: 339,
} as const;

/** The fields of the first image. */
type Fields = Partial<Record<keyof typeof tags, number[]>>;

/** The compressions, by number, that libvips and Pillow decode alike. */
const supportedCompressions = [1, 2, 3, 4, 5, 7, 8, 32773, 32946];

const compressionNames: Readonly<Record<number, string>> = {
  1: 'no',
  5: 'LZW',
  6: 'old-style JPEG',
  8: 'Deflate',
  32771: 'word-aligned CCITT RLE',
  32773: 'PackBits',
  32809: 'ThunderScan',
  32946: 'Deflate',
  34712: 'JPEG 2000',
  34887: 'LERC',
  34925: 'LZMA',
  50000: 'Zstandard',
  50001: 'WebP',
  50002: 'JPEG XL',
};

const photometricNames: Readonly<Record<number, string>> = {
  0: 'white-is-zero grayscale',
  1: 'grayscale',
  2: 'RGB',
  3: 'palette',
  4: 'transparency mask',
  5: 'CMYK',
  6: 'YCbCr',
  8: 'CIELAB',
  9: 'ICC L*a*b*',
};

const sampleFormats = ['unsigned', 'signed', 'floating-point'];

const extraSampleNames = ['unspecified extra sample', 'premultiplied alpha', 'alpha'];

/**
 * The kinds that libvips decodes to Pillow's samples, as
 * `photometric/sample format/bits of the color samples/extra samples`: photometric interpretations and
 * sample formats by number, extra samples 0 unspecified, 1 premultiplied alpha, 2 alpha. The kinds of Pillow
 * are in its TiffImagePlugin.OPEN_INFO.
 */
const kinds = [
  /^[01]\/1\/[1248]\/$/,
  /^1\/1\/8\/[02]$/,
  /^1\/1\/16\/$/,
  /^1\/2\/(16|32)\/$/,
  /^1\/3\/32\/$/,
  /^2\/1\/8,8,8\/(0|2|0,0|2,0)?$/,
  /^2\/1\/16,16,16\/[02]?$/,
  /^3\/1\/[1248]\/$/,
  /^3\/1\/8\/[02]$/,
  /^5\/1\/(8,8,8,8|16,16,16,16)\/$/,
  /^6\/1\/8,8,8\/$/,
];

/**
 * Why an image cannot be decoded to Pillow's samples, as a noun phrase, for example `LZW compression of
 * YCbCr`. libvips would decode some of these images to other samples without an error.
 *
 * @returns undefined if it can be decoded, or its fields cannot be read, which the decoder reports
 */
export function unsupportedTiffKind(tiff: Buffer): string | undefined {
  const fields = readFields(tiff);
  if (!fields) return undefined;
  const [photometric = -1] = fields.photometric ?? [];
  const [compression = 1] = fields.compression ?? [];
  const [sampleFormat = 1] = fields.sampleFormat ?? [];
  const bits = fields.bitsPerSample ?? [1];
  const model = photometricNames[photometric] ?? `photometric interpretation ${photometric}`;
  const isSupported = supportedCompressions.includes(compression);
  // libtiff converts YCbCr to RGB only as a part of JPEG decompression.
  if (!isSupported || (photometric === 6 && compression !== 7)) {
    return `${compressionNames[compression] ?? `type ${compression}`} compression of ${model}`;
  }
  const extra = fields.extraSamples ?? [];
  const color = bits.slice(0, bits.length - extra.length);
  const kind = `${photometric}/${sampleFormat}/${color.join()}/${extra.join()}`;
  if (!kinds.some((pattern) => pattern.test(kind))) {
    const format = sampleFormats[sampleFormat - 1] ?? `format ${sampleFormat}`;
    const extraNames = extra.map((number) => extraSampleNames[number] ?? `extra sample ${number}`);
    return [`${format} ${model}`, ...extraNames, `${bits.join('+')} bits`].join(', ');
  }
  const isPlanar = fields.planarConfiguration?.[0] === 2 && bits.length > 1;
  if (isPlanar && fields.tileWidth) return 'tiles in separate planes';
  if (isPlanar && bits[0] === 16 && compression === 1) {
    return 'uncompressed 16-bit samples in separate planes';
  }
  // Pillow takes the high byte of each color, libtiff guesses whether the low one is meant.
  if (fields.colorMap && !fields.colorMap.some((value) => value > 255)) {
    return 'palette of 8-bit colors';
  }
  return undefined;
}

/** Reads the fields of the first image. Source: TIFF 6.0, section 2, and BigTIFF's wider offsets. */
function readFields(tiff: Buffer): Fields | undefined {
  const isLittle = tiff[0] === 0x49;
  const isBig = tiff[isLittle ? 2 : 3] === 43;
  const uint16 = (at: number) => (isLittle ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const uint32 = (at: number) => (isLittle ? tiff.readUInt32LE(at) : tiff.readUInt32BE(at));
  const offset = (at: number) => {
    if (!isBig) return uint32(at);
    return Number(isLittle ? tiff.readBigUInt64LE(at) : tiff.readBigUInt64BE(at));
  };
  const names = new Map(Object.entries(tags).map(([name, tag]) => [tag as number, name]));
  const fields: Record<string, number[]> = {};
  const [inlineBytes, entryBytes] = isBig ? [8, 20] : [4, 12];
  try {
    const directory = offset(isBig ? 8 : 4);
    const count = isBig ? offset(directory) : uint16(directory);
    const entries = directory + (isBig ? 8 : 2);
    for (let i = 0; i < count; i++) {
      const entry = entries + i * entryBytes;
      const name = names.get(uint16(entry));
      if (name === undefined) continue;
      const valueBytes = uint16(entry + 2) === 4 ? 4 : 2;
      const length = isBig ? offset(entry + 4) : uint32(entry + 4);
      const inline = entry + (isBig ? 12 : 8);
      const start = length * valueBytes > inlineBytes ? offset(inline) : inline;
      const read = valueBytes === 4 ? uint32 : uint16;
      fields[name] = Array.from({ length: Math.min(length, 768) }, (_, k) =>
        read(start + k * valueBytes),
      );
    }
  } catch {
    return undefined;
  }
  return fields;
}
