/**
 * Concatenates the opcodes of pickles that no regular pickler writes. Text is encoded as Latin-1, so
 * '\x80\x02' is two bytes.
 */
export function bytes(...parts: (string | Uint8Array)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
  );
}

export function uint32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value);
  return out;
}

export function uint64(value: bigint | number): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return out;
}

/** BINUNICODE. */
export function text(value: string): Buffer {
  const utf8 = Buffer.from(value);
  return bytes('X', uint32(utf8.length), utf8);
}

/** LONG1 with eight bytes. */
export function integer(value: bigint | number): Buffer {
  return bytes('\x8a\x08', uint64(value));
}

export function tuple(...items: Uint8Array[]): Buffer {
  return bytes('(', ...items, 't');
}

/** A tensor as torch.save pickles it. `storageView` is the sixth item of the storage's persistent ID. */
export function tensor({
  storage = 'FloatStorage',
  key = '0',
  numel = 4,
  storageView,
  offset = 0,
  shape = [4],
  stride = [1],
}: {
  storage?: string;
  key?: string;
  numel?: number | bigint;
  storageView?: Uint8Array;
  offset?: number;
  shape?: number[];
  stride?: number[];
} = {}): Buffer {
  const id = [text('storage'), bytes(`ctorch\n${storage}\n`), text(key), text('cpu')];
  const size = [integer(numel), ...(storageView ? [storageView] : [])];
  return bytes(
    'ctorch._utils\n_rebuild_tensor_v2\n(',
    tuple(...id, ...size),
    'Q',
    integer(offset),
    tuple(...shape.map(integer)),
    tuple(...stride.map(integer)),
    '\x89ccollections\nOrderedDict\n)Rt',
    'R',
  );
}

/** The pickle of a dictionary, protocol 2. */
export function dict(entries: Record<string, Uint8Array>): Buffer {
  const items = Object.entries(entries).flatMap(([name, value]) => [text(name), value]);
  return bytes('\x80\x02}(', ...items, 'u.');
}

/** A file in the legacy format that contains the pickle of an object. */
export function legacy(
  pickle: Uint8Array,
  storages: { key: string; count: number; data: Uint8Array }[] = [],
  littleEndian = true,
): Buffer {
  return bytes(
    '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.',
    '\x80\x02M\xe9\x03.',
    '\x80\x02}',
    text('little_endian'),
    littleEndian ? '\x88' : '\x89',
    's.',
    pickle,
    bytes('\x80\x02](', ...storages.map(({ key }) => text(key)), 'e.'),
    ...storages.flatMap(({ count, data }) => [uint64(count), data]),
  );
}
