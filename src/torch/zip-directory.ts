const endSignature = 0x06054b50;
const endBytes = 22;
const maxCommentBytes = 65535;
const zip64EndSignature = 0x06064b50;
const zip64LocatorSignature = 0x07064b50;
const zip64LocatorBytes = 20;
/** Without its extensible data, which nothing writes. */
const zip64EndBytes = 56;
const entrySignature = 0x02014b50;
const entryBytes = 46;

/**
 * The names of the records of a zip archive.
 *
 * @param tail the last bytes of the archive
 * @returns undefined if the tail has no end record, as in a truncated archive; no names if its directory is
 *   damaged or begins before the tail
 */
export function readRecordNames(tail: Buffer): string[] | undefined {
  const end = findEnd(tail);
  if (end === undefined) return undefined;
  const names: string[] = [];
  for (let at = directoryStart(tail, end); at >= 0 && at + entryBytes <= end;) {
    if (tail.readUInt32LE(at) !== entrySignature) break;
    const nameBytes = tail.readUInt16LE(at + 28);
    const nameStart = at + entryBytes;
    names.push(tail.toString('utf8', nameStart, nameStart + nameBytes));
    at = nameStart + nameBytes + tail.readUInt16LE(at + 30) + tail.readUInt16LE(at + 32);
  }
  return names;
}

function findEnd(tail: Buffer): number | undefined {
  const last = tail.length - endBytes;
  for (let at = last; at >= Math.max(0, last - maxCommentBytes); at--) {
    if (tail.readUInt32LE(at) === endSignature) return at;
  }
  return undefined;
}

/** The directory precedes the end records; negative if it begins before the tail. */
function directoryStart(tail: Buffer, end: number): number {
  const locator = end - zip64LocatorBytes;
  const zip64End = locator - zip64EndBytes;
  const isZip64 =
    zip64End >= 0 &&
    tail.readUInt32LE(locator) === zip64LocatorSignature &&
    tail.readUInt32LE(zip64End) === zip64EndSignature;
  if (isZip64) return zip64End - Number(tail.readBigUInt64LE(zip64End + 40));
  return end - tail.readUInt32LE(end + 12);
}
