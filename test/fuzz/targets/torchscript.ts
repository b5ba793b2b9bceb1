import { ScriptModule } from '../../../src/torch';
import { SemisupError } from '../../../src/errors';
import { packArchive, unpackArchive, type ArchiveRecord } from '../../support/archive';
import type { Random } from '../../support/random';
import { moduleClass, moduleOf } from '../../support/torchscript-module';
import { mutate } from '../mutate';
import type { Outcome, Seed, Target } from '../target';
import { filesOf } from './fixtures';
import { codeTokens, pickleTokens, zipTokens } from './torchscript-tokens';

/** Archives of every kind of value, type and statement. */
async function seeds(): Promise<Seed[]> {
  const functions = moduleOf(
    `${moduleClass}  def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n    return __torch__.f(x, 1.5)\n` +
      'def f(x: Tensor,\n    y: float=2.0) -> Tensor:\n  z = [torch.mul(x, i) for i in [1, 2]]\n  return torch.cat(z)\n',
  );
  const files = await filesOf('test/40.torch/fixtures', /\.pt$/);
  return [...files, { name: 'functions.pt', bytes: functions }];
}

/**
 * Changes records and packs them again: the zip directory and the checksums are correct, and the change reaches the
 * parsers. Code and pickles are changed more often than tensors and headers.
 */
function editRecords({ bytes }: Seed, random: Random): Buffer {
  const records = unpackArchive(bytes);
  const parsed = records.flatMap(({ name }, at) => (/\.(py|pkl)$/.test(name) ? [at] : []));
  for (let i = random.below(3); i >= 0; i--) {
    const isParsed = random.next() < 0.85 && parsed.length > 0;
    const at = isParsed ? random.pick(parsed) : random.below(records.length);
    records[at] = editRecord(records[at]!, random, random.pick(records));
  }
  return packArchive(records);
}

function editRecord(record: ArchiveRecord, random: Random, other: ArchiveRecord): ArchiveRecord {
  const { name, deflate } = record;
  const data = Buffer.from(record.data);
  switch (random.below(12)) {
    case 0:
      return { ...record, deflate: !deflate };
    case 1: {
      const sizes = [0, 1, data.length - 1, data.length + 1, 0x7fffffff, 0xfffffffe];
      return { ...record, size: random.pick(sizes) >>> 0, deflate: random.next() < 0.5 };
    }
    case 2:
      return { ...record, data: other.data };
    case 3: {
      const names = [other.name, `${name}x`, name.replace('/', '/../'), name.toUpperCase(), ''];
      return { ...record, name: random.pick(names) };
    }
    case 4:
      return { ...record, at: random.pick([0, 1, 30, 0x7fffffff]) };
    default:
      return { ...record, data: editData(name, data, random) };
  }
}

function editData(name: string, data: Buffer, random: Random): Buffer {
  const tokens = name.endsWith('.pkl') ? pickleTokens : name.endsWith('.py') ? codeTokens : [];
  let edited = data;
  for (let i = random.below(4); i >= 0; i--) {
    edited = mutate(edited, random, [{ name, bytes: data }], tokens);
  }
  return edited;
}

/** Loads an archive with and without `verify`, and reads what it contains. Calls none of its methods. */
async function run(archive: Buffer): Promise<Outcome> {
  const [verified, loaded] = [await load(archive, true), await load(archive, false)];
  // `verify` only refuses more.
  if (verified.accepted && !loaded.accepted) return { ...verified, mismatch: 'refused unverified' };
  return loaded;
}

async function load(archive: Buffer, verify: boolean): Promise<Outcome> {
  let module: ScriptModule;
  try {
    module = await ScriptModule.load(archive, { verify, threads: 1 });
  } catch (error) {
    if (!(error instanceof SemisupError)) throw error;
    const { code } = error as SemisupError;
    const isExpected =
      code === 'ERR_SEMISUP_MODEL_FORMAT' || (code === 'ERR_SEMISUP_MODEL_UNSAFE' && verify);
    if (!isExpected) throw error;
    return { accepted: false, code };
  }
  try {
    await readState(module);
  } finally {
    await module.close();
  }
  return { accepted: true };
}

async function readState(module: ScriptModule): Promise<void> {
  try {
    for (const tensor of Object.values(await module.stateDict())) {
      const count = tensor.shape.reduce((product, side) => product * side, 1);
      if (count < 2 ** 20) await tensor.toFloat32();
    }
  } catch (error) {
    // E.g. a dtype without a JavaScript equivalent.
    if (!(error instanceof SemisupError)) throw error;
  }
}

export const torchscript: Target = {
  name: 'torchscript',
  maxMemory: 2 ** 30,
  seeds,
  edit: editRecords,
  tokens: zipTokens,
  open: () => Promise.resolve(run),
};
