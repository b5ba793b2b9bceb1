import { bytes, integer, text, uint32, uint64 } from '../../support/pickle';

/** Opcodes with operands, and names that unpickling treats specially. */
export const pickleTokens: readonly Buffer[] = [
  ...[
    '(',
    ')',
    ']',
    '}',
    '\x8f',
    '.',
    '0',
    '1',
    'N',
    '\x88',
    'Q',
    'R',
    '\x81',
    '\x92',
    'b',
    's',
    'u',
    'a',
    'e',
  ],
  ...[
    't',
    '\x85',
    '\x86',
    '\x87',
    '\x90',
    '\x91',
    '\x93',
    '\x94',
    'h\0',
    'h\x01',
    'q\0',
    'q\x01',
    'K\x01',
  ],
  ...[
    'cos\nsystem\n',
    'ctorch\nFloatStorage\n',
    'ccollections\nOrderedDict\n',
    'cbuiltins\ngetattr\n',
  ],
  ...['ctorch._utils\n_rebuild_tensor_v2\n', 'ctorch._utils\n_rebuild_parameter\n', 'ca\nb\n)\x81'],
]
  .map((token) => bytes(token))
  .concat([
    ...[
      integer(-1),
      integer(2n ** 62n),
      integer(2n ** 32n),
      text('storage'),
      text('0'),
      text('cpu'),
    ],
    ...[
      bytes('X', uint32(2 ** 32 - 1)),
      bytes('\x8d', uint64(2n ** 63n)),
      bytes('\x95', uint64(8)),
    ],
    ...[bytes('r', uint32(2 ** 20 - 1)), bytes('j', uint32(2 ** 20 - 1))],
  ]);
