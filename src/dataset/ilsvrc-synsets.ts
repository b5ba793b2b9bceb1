import { readFile } from 'node:fs/promises';
import { inflateSync } from 'node:zlib';
import { malformed, unreadable } from './errors';

// MATLAB's level 5 MAT-file format: data elements of a tag (type and size) and data, padded to 8 bytes.
// Source: The MathWorks, "MAT-File Format", 2019.
const types = { int8: 1, uint8: 2, int16: 3, uint16: 4, int32: 5, uint32: 6, double: 9 } as const;
const [typeMatrix, typeCompressed] = [14, 15];
const classStruct = 2;
const headerBytes = 128;
const maxInflatedBytes = 64 * 2 ** 20;

interface Element {
  readonly type: number;
  readonly data: Buffer;
}

/**
 * Reads the WordNet IDs of the classes by their ILSVRC2012 ID (1 to 1000) from `meta.mat` of ImageNet's
 * development kit: the fields `ILSVRC2012_ID` and `WNID` of the struct array `synsets`.
 *
 * @throws DatasetError if it cannot be read, or is another file
 */
export async function readIlsvrcSynsets(path: string): Promise<Map<number, string>> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  try {
    return new Map(synsetsIn(bytes));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw malformed(
      path,
      `does not describe the classes of ILSVRC2012: ${reason}`,
      'Copy meta.mat of the development kit ILSVRC2012_devkit_t12.',
    );
  }
}

function synsetsIn(bytes: Buffer): [number, string][] {
  for (const element of elements(bytes.subarray(headerBytes))) {
    const [matrix] =
      element.type === typeCompressed
        ? elements(inflateSync(element.data, { maxOutputLength: maxInflatedBytes }))
        : [element];
    const found = matrix && synsetsOf(matrix);
    if (found) return found;
  }
  throw new Error("it has no struct array 'synsets'");
}

/** The IDs of a struct array; undefined for any other matrix. */
function synsetsOf({ type, data }: Element): [number, string][] | undefined {
  if (type !== typeMatrix) return undefined;
  const [flags, , name, width, names, ...values] = elements(data);
  if (flags?.data[0] !== classStruct || name?.data.toString() !== 'synsets') return undefined;
  const length = width!.data.readInt32LE();
  const fields = Array.from({ length: names!.data.length / length }, (_, i) =>
    names!.data.toString('latin1', i * length, (i + 1) * length).replace(/\0.*/s, ''),
  );
  const [id, wnid] = [fields.indexOf('ILSVRC2012_ID'), fields.indexOf('WNID')];
  if (id < 0 || wnid < 0) throw new Error('its synsets have no ILSVRC2012_ID or no WNID');
  return Array.from({ length: Math.floor(values.length / fields.length) }, (_, i) => {
    const of = (field: number) => numbersOf(values[i * fields.length + field]!);
    return [of(id)[0]!, String.fromCharCode(...of(wnid))];
  });
}

/** The numbers, or character codes, of a matrix: its last element. */
function numbersOf({ data }: Element): number[] {
  const values = elements(data).at(-1)!;
  const width = { 1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 9: 8 }[values.type] ?? 1;
  return Array.from({ length: values.data.length / width }, (_, i) => {
    if (values.type === types.double) return values.data.readDoubleLE(i * width);
    const isSigned = values.type === types.int16 || values.type === types.int32;
    return isSigned
      ? values.data.readIntLE(i * width, width)
      : values.data.readUIntLE(i * width, width);
  });
}

function elements(bytes: Buffer): Element[] {
  const found: Element[] = [];
  for (let at = 0; at + 8 <= bytes.length;) {
    const word = bytes.readUInt32LE(at);
    // A small element has its size in the upper half of the type, and its data in the same 8 bytes.
    const isSmall = word >>> 16 !== 0;
    const type = isSmall ? word & 0xffff : word;
    const size = isSmall ? word >>> 16 : bytes.readUInt32LE(at + 4);
    const start = at + (isSmall ? 4 : 8);
    if (start + size > bytes.length) throw new Error('it is truncated');
    found.push({ type, data: bytes.subarray(start, start + size) });
    // Compressed elements are not padded.
    const end = isSmall ? at + 8 : start + size;
    at = type === typeCompressed ? end : Math.ceil(end / 8) * 8;
  }
  return found;
}
