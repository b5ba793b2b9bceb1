import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SemisupError } from '../../src/errors';
import { ScriptModule } from '../../src/torch';
import { packArchive, unpackArchive, type ArchiveRecord } from '../support/archive';
import { fixture } from '../support/torchscript';
import { moduleClass, moduleOf } from '../support/torchscript-module';

/** A source of random numbers in [0, 1). */
export type Random = () => number;

/** Small TorchScript archives of every kind of value, type and statement. */
export function seeds(): Buffer[] {
  const directory = join(fixture('notes'), '..');
  const names = readdirSync(directory).filter((name) => name.endsWith('.pt'));
  const archives = names.sort().map((name) => readFileSync(join(directory, name)));
  const extra = moduleOf(
    `${moduleClass}  def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n    return __torch__.f(x, 1.5)\n` +
      'def f(x: Tensor,\n    y: float=2.0) -> Tensor:\n  z = [torch.mul(x, i) for i in [1, 2]]\n  return torch.cat(z)\n',
  );
  return [...archives, extra];
}

const words = [
  ...[
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    ',',
    ':',
    '.',
    '=',
    '+',
    '**',
    '-',
    '\n',
    '\n  ',
    '\n    ',
    ' ',
  ],
  ...[
    'x',
    'self',
    'torch',
    'ops',
    'prim',
    'CONSTANTS',
    'c0',
    '__torch__',
    'M',
    'Tensor',
    'List',
    'int',
    'None',
  ],
  ...[
    'def f(x: Tensor) -> Tensor:',
    'class C(Module):',
    'if ',
    'else:',
    'while True:',
    'for i in ',
    'return ',
  ],
  ...[
    'import y',
    'with x:',
    'raise ',
    'assert ',
    '"""',
    "'",
    '"',
    '#',
    '\\',
    '1e999',
    '9'.repeat(30),
    '\0',
    '\xff',
  ],
  ...[
    'torch.add',
    'torch.save(x, "")',
    'getattr(x, "y")',
    'annotate(',
    'uninitialized(',
    'NamedTuple',
    'Enum',
  ],
];
const opcodes = 'ctXKMJG]}()qhrjuesaldbRQN\x85\x86\x87\x88\x89\x8a\x81.';
const pickleWords = [
  'ctorch._utils\n_rebuild_tensor_v2\n',
  'ctorch._utils\n_rebuild_qtensor\n',
  'ctorch._utils\n_rebuild_sparse_tensor\n',
  'ctorch._utils\n_rebuild_parameter\n',
  'ctorch.jit._pickle\nbuild_intlist\n',
  'ctorch.jit._pickle\nbuild_tensorlist\n',
  'ctorch.jit._pickle\nrestore_type_tag\n',
  'ctorch\nFloatStorage\n',
  'ctorch\nQInt8Storage\n',
  'ctorch\ndevice\n',
  'ctorch\nper_channel_affine\n',
  'cbuiltins\ncomplex\n',
  'ccollections\nOrderedDict\n',
  'c__torch__\nM\n',
  'X\x03\0\0\0cpu',
  'X\x09\0\0\0List[int]',
  'X\x0e\0\0\0Dict[str, int]',
  '\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f',
  'J\xff\xff\xff\xff',
  '](e',
];

function pick<T>(random: Random, from: ArrayLike<T>): T {
  return from[Math.floor(random() * from.length)]!;
}

/** Replaces, inserts, removes or repeats bytes at random places. */
function mutateBytes(random: Random, data: Buffer, snippets: readonly string[]): Buffer {
  let out = Buffer.from(data);
  const changes = 1 + Math.floor(random() ** 3 * 8);
  for (let i = 0; i < changes; i++) {
    const at = Math.floor(random() * (out.length + 1));
    const rest = out.length - at;
    const length = Math.min(rest, Math.floor(random() ** 2 * 64));
    const insert = (bytes: Buffer, removed = 0) => {
      out = Buffer.concat([out.subarray(0, at), bytes, out.subarray(at + removed)]);
    };
    switch (Math.floor(random() * 8)) {
      case 0:
      case 1:
        if (rest > 0) out[at] = out[at]! ^ (1 << Math.floor(random() * 8));
        break;
      case 2:
        if (rest > 0) out[at] = pick(random, [0, 1, 0x7f, 0x80, 0xfe, 0xff]);
        break;
      case 3:
        insert(Buffer.from(pick(random, snippets), 'latin1'));
        break;
      case 4:
        insert(Buffer.from(pick(random, snippets), 'latin1'), length);
        break;
      case 5:
        insert(Buffer.alloc(0), length);
        break;
      case 6: {
        const copy = out.subarray(at, at + length);
        const times = 1 + Math.floor(random() ** 4 * 300);
        insert(Buffer.concat(Array<Buffer>(times).fill(copy)));
        break;
      }
      default: {
        const from = Math.floor(random() * (out.length + 1));
        insert(Buffer.from(out.subarray(from, from + length)), length);
      }
    }
    if (out.length > 2 ** 20) break;
  }
  return out;
}

function mutateRecord(random: Random, record: ArchiveRecord, other: ArchiveRecord): ArchiveRecord {
  const data = Buffer.from(record.data);
  const isPickle = record.name.endsWith('pkl');
  const isCode = record.name.endsWith('.py');
  const snippets = isCode
    ? words
    : isPickle
      ? [...Array.from(opcodes), ...pickleWords]
      : ['0', '\n', '\xff', '99999'];
  switch (Math.floor(random() * 12)) {
    case 0:
      return { ...record, deflate: !record.deflate };
    case 1:
      return {
        ...record,
        size: pick(random, [0, 1, data.length - 1, data.length + 1, 0x7fffffff, 0xfffffffe]) >>> 0,
        deflate: random() < 0.5,
      };
    case 2:
      return { ...record, data: other.data };
    case 3:
      return {
        ...record,
        name: pick(random, [
          other.name,
          `${record.name}x`,
          record.name.replace('/', '/../'),
          record.name.toUpperCase(),
          '',
        ]),
      };
    case 4:
      return { ...record, at: pick(random, [0, 1, 30, 0x7fffffff]) };
    default:
      return { ...record, data: mutateBytes(random, data, snippets) };
  }
}

/**
 * A mutated archive: mostly with records changed and packed again, so that the zip directory and the checksums are
 * correct and the change reaches the parsers; sometimes with bits flipped anywhere.
 */
export function mutate(random: Random, seed: Buffer): Buffer {
  if (random() < 0.2)
    return mutateBytes(random, seed, ['PK\x01\x02', 'PK\x05\x06', '\xff\xff\xff\xff', '\0\0\0\0']);
  const records = unpackArchive(seed);
  const changes = 1 + Math.floor(random() ** 2 * 3);
  for (let i = 0; i < changes; i++) {
    // Code and pickles more often than tensors and headers.
    const parsed = records.flatMap(({ name }, at) => (/\.(py|pkl)$/.test(name) ? [at] : []));
    const at =
      random() < 0.85 && parsed.length > 0
        ? pick(random, parsed)
        : Math.floor(random() * records.length);
    records[at] = mutateRecord(random, records[at]!, pick(random, records));
  }
  return packArchive(records);
}

/** What happened to an archive. Anything that is thrown instead is a failure. */
export type Outcome = 'loaded' | 'verified' | 'refused' | 'unsafe';

/** Loads the archive with and without `verify`, and reads what it contains. Calls none of its methods. */
export async function run(archive: Uint8Array): Promise<Outcome> {
  const [verified, loaded] = [await load(archive, true), await load(archive, false)];
  // `verify` only refuses more.
  if (verified === 'loaded' && loaded !== 'loaded')
    throw new Error(`verified, but ${loaded} without`);
  if (verified === 'unsafe') return 'unsafe';
  return verified === 'loaded' ? 'verified' : loaded === 'loaded' ? 'loaded' : 'refused';
}

async function load(archive: Uint8Array, verify: boolean): Promise<Outcome> {
  let module: ScriptModule;
  try {
    module = await ScriptModule.load(archive, { verify, threads: 1 });
  } catch (error) {
    if (!(error instanceof SemisupError)) throw error;
    if (error.code === 'ERR_SEMISUP_MODEL_FORMAT') return 'refused';
    if (error.code === 'ERR_SEMISUP_MODEL_UNSAFE' && verify) return 'unsafe';
    throw error;
  }
  try {
    const state = await module.stateDict();
    for (const tensor of Object.values(state)) {
      if (tensor.shape.reduce((a, b) => a * b, 1) < 2 ** 20) await tensor.toFloat32();
    }
    return 'loaded';
  } catch (error) {
    // E.g. a dtype without a JavaScript equivalent.
    if (!(error instanceof SemisupError)) throw error;
    return 'loaded';
  } finally {
    await module.close();
  }
}
