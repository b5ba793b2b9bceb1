/** A box of the ISO base media file format: `body` excludes its header. */
interface Box {
  readonly type: string;
  readonly body: Buffer;
}

/** What the metadata of an AVIF file states about its primary image. */
export interface AvifHeader {
  readonly width: number;
  readonly height: number;
  /** The rotation and mirroring of the file, as an EXIF orientation, 1 to 8. */
  readonly orientation: number;
  /** Whether the colors are multiplied by the opacity. */
  readonly isPremultiplied: boolean;
}

/** Whether a file starts with a file type box that lists an AVIF brand. */
export function isAvif(head: Buffer): boolean {
  if (head.toString('latin1', 4, 8) !== 'ftyp') return false;
  const brands = head.toString('latin1', 8, Math.min(head.readUInt32BE(0), head.length));
  return /^(?:.{4})*?avi[fs]/s.test(brands);
}

/**
 * Reads the metadata of the primary image. Source: ISO/IEC 23008-12 (HEIF), sections 6.5 (item properties)
 * and 9 (orientation), and ISO/IEC 14496-12, section 8.11 (metadata).
 *
 * @throws RangeError if the metadata is incomplete
 */
export function avifHeader(avif: Buffer): AvifHeader {
  // `meta`, `pitm`, `ipma` and `iref` are full boxes: 4 bytes of version and flags come first.
  const meta = childrenOf(requireBox(childrenOf(avif), 'meta').subarray(4));
  const primary = primaryItem(requireBox(meta, 'pitm'));
  const properties = childrenOf(requireBox(meta, 'iprp'));
  const all = childrenOf(requireBox(properties, 'ipco'));
  const indices = propertyIndices(requireBox(properties, 'ipma'), primary);
  const own = indices.map((index) => all[index - 1]).filter((box) => box !== undefined);
  const size = requireBox(own, 'ispe');
  const references = meta.find(({ type }) => type === 'iref');
  return {
    width: size.readUInt32BE(4),
    height: size.readUInt32BE(8),
    orientation: orientationOf(own),
    isPremultiplied: childrenOf(references?.body.subarray(4)).some(({ type }) => type === 'prem'),
  };
}

function childrenOf(parent: Buffer = Buffer.alloc(0)): Box[] {
  const boxes: Box[] = [];
  let at = 0;
  while (at + 8 <= parent.length) {
    let size = parent.readUInt32BE(at);
    let header = 8;
    if (size === 1) {
      size = Number(parent.readBigUInt64BE(at + 8));
      header = 16;
    }
    if (size === 0) size = parent.length - at;
    if (size < header) throw new RangeError('a box is smaller than its header');
    const type = parent.toString('latin1', at + 4, at + 8);
    boxes.push({ type, body: parent.subarray(at + header, at + size) });
    at += size;
  }
  return boxes;
}

function requireBox(boxes: readonly Box[], type: string): Buffer {
  const box = boxes.find((candidate) => candidate.type === type);
  if (!box) throw new RangeError(`the '${type}' box is missing`);
  return box.body;
}

function primaryItem(body: Buffer): number {
  return body[0] === 0 ? body.readUInt16BE(4) : body.readUInt32BE(4);
}

/** The 1-based indices of an item's properties. */
function propertyIndices(body: Buffer, item: number): number[] {
  const hasWideItems = body[0]! > 0;
  const hasWideIndices = (body[3]! & 1) !== 0;
  let at = 8;
  for (let entries = body.readUInt32BE(4); entries > 0; entries--) {
    const id = hasWideItems ? body.readUInt32BE(at) : body.readUInt16BE(at);
    at += hasWideItems ? 4 : 2;
    const count = body.readUInt8(at++);
    const indices: number[] = [];
    for (let i = 0; i < count; i++) {
      // The highest bit marks an essential property.
      indices.push(hasWideIndices ? body.readUInt16BE(at) & 0x7fff : body.readUInt8(at) & 0x7f);
      at += hasWideIndices ? 2 : 1;
    }
    if (id === item) return indices;
  }
  return [];
}

/** Rotation comes first, anticlockwise in quarter turns, then mirroring: 0 top to bottom, 1 left to right. */
function orientationOf(properties: readonly Box[]): number {
  const find = (type: string) => properties.find((box) => box.type === type)?.body[0];
  const turns = (find('irot') ?? 0) & 3;
  const mirror = find('imir');
  if (mirror === undefined) return [1, 8, 3, 6][turns]!;
  return (mirror & 1 ? [2, 7, 4, 5] : [4, 5, 2, 7])[turns]!;
}
