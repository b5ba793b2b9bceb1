import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { ScriptModule } from '../../src/torch';
import { packArchive, unpackArchive, withRecord, type ArchiveRecord } from '../support/archive';
import { assertLoads, assertRefused } from '../support/archive-assertions';
import { root, typescript } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';
import { fixture } from '../support/torchscript';
import {
  attribute,
  forwardMethod as forward,
  moduleClass as header,
  moduleOf,
  statements,
} from '../support/torchscript-module';

/** The pickle of a float32 tensor with these storage elements, offset, size and stride. */
function tensor(elements: string, offset: string, size: string, stride: string): string {
  const storage = `(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu${elements}tQ`;
  return `ctorch._utils\n_rebuild_tensor_v2\n(${storage}${offset}${size}${stride}\x89ccollections\nOrderedDict\n)RtR`;
}
const k = (number: number) => `K${String.fromCharCode(number)}`;
const tuple1 = (number: number) => `${k(number)}\x85`;

describe('The limits on TorchScript archives', () => {
  const directory = temporaryDirectory();
  let notes: Buffer;
  before(async () => {
    notes = await readFile(fixture('notes'));
  });

  it('accept every fixture, repacked and compressed', async () => {
    const names = (await readdir(join(fixture('notes'), '..'))).filter((name) =>
      name.endsWith('.pt'),
    );
    assert.ok(names.length > 10);
    for (const name of names) {
      const archive = await readFile(fixture(name.slice(0, -3)));
      await assertLoads(archive);
      await assertLoads(packArchive(unpackArchive(archive)));
      await assertLoads(
        packArchive(unpackArchive(archive).map((record) => ({ ...record, deflate: true }))),
      );
    }
  });

  it('apply to paths, bytes and streams, and to loadSync', async () => {
    const archive = withRecord(notes, '../escape', { data: Buffer.from('x') });
    const path = join(directory.path, 'escape.pt');
    await writeFile(path, archive);
    const expected = { code: 'ERR_SEMISUP_MODEL_FORMAT', message: /archive\/\.\.\/escape/ };
    await assert.rejects(ScriptModule.load(path), expected);
    await assert.rejects(ScriptModule.load(archive), expected);
    await assert.rejects(ScriptModule.load(Readable.from([archive])), expected);
    assert.throws(() => ScriptModule.loadSync(path), expected);
    assert.throws(() => ScriptModule.loadSync(archive), expected);
  });

  describe('refuse a zip directory', () => {
    const big = Buffer.alloc(70 * 2 ** 20);

    it('whose records inflate to too much', async () => {
      await assertRefused(
        withRecord(notes, 'extra/zeros', { data: big, deflate: true }),
        /'extra\/zeros'.* more than \d+ bytes once inflated/,
      );
      await assertRefused(
        withRecord(notes, 'extra/zeros', {
          data: Buffer.alloc(9),
          deflate: true,
          size: 0xfffffff0,
        }),
        /once inflated/,
      );
      await assertRefused(
        withRecord(notes, 'data.pkl', { deflate: true, size: 65 * 2 ** 20 - 1 }),
        /once inflated|At most 64 MiB/,
      );
    });

    it('whose records are inconsistent', async () => {
      const records = unpackArchive(notes);
      const change = (index: number, changes: Partial<ArchiveRecord>) =>
        packArchive(records.map((record, i) => (i === index ? { ...record, ...changes } : record)));
      const root = records[0]!.name.split('/')[0]!;
      for (const [archive, what] of [
        [change(1, { name: records[0]!.name }), /two records named/],
        [change(2, { at: 0 }), /another name|header of its own/],
        [change(2, { name: records[0]!.name.toUpperCase() }), /not in the directory/],
        [change(2, { localName: `${root}/other` }), /another name|header of its own/],
        [change(2, { name: `${root}//double` }), /name that is empty/],
        [change(2, { name: `/${root}/absolute` }), /name that is empty/],
        [change(2, { name: `${root}/back\\slash` }), /name that is empty/],
        [change(2, { name: `${root}/line\nbreak` }), /'archive\/line\?break'/],
        [change(2, { name: `${root}/${'x'.repeat(600)}` }), /longer than 511/],
        [change(2, { storedSize: 1 }), /stored with two sizes/],
        [change(2, { at: 0x7fffffff }), /begins after the directory/],
        [change(2, { name: `${root}/model.json` }), /format of PyTorch 1\.0 to 1\.2/],
      ] as const) {
        await assertRefused(archive, what);
      }
    });

    it('whose records overlap', async () => {
      // The second header is inside the data of the first.
      const inner = { name: 'archive/extra/b', data: Buffer.from('b') };
      const hidden = packArchive([inner]).subarray(0, 30 + inner.name.length + 1);
      const outer = { name: 'archive/extra/a', data: hidden };
      const at = 30 + outer.name.length;
      const pickle = { name: 'archive/constants.pkl', data: Buffer.from('x') };
      await assertRefused(packArchive([outer, { ...inner, at }, pickle]), /overlap/);
    });
  });

  describe('refuse a pickle', () => {
    it('whose lengths and indices exceed it', async () => {
      for (const [value, what] of [
        ['X\xf0\xff\xff\xffabc', /claims 4294967280 bytes/],
        ['Nr\xff\xff\xff\x7f', /as number 2147483647/],
        ['Nq\x01', /as number 1, but the next number is 0/],
        ['h\x05', /has not stored/],
        ['j\xff\xff\xff\xff', /has not stored/],
        ['\x8a\x07\0\0\0\0\0\0\0', /does not have 8 bytes/],
        ['R', /empty stack/],
        ['\x87', /empty stack/],
        ['t', /mark from an empty stack/],
        ['ttt', /mark from an empty stack/],
        ['}(Nu', /key without a value/],
        ['](K\x01u', /key without|other than a list or dict/],
        ['}(}Nu', /key of an unexpected type/],
        ['cos\nsystem\n', /'os\.system'/],
        ['K\x00K\x00R', /not a function/],
        ['\xff', /instruction 255/],
        [']h', /only 0 follow|not stored|claims/],
      ] as const) {
        await assertRefused(
          attribute(value),
          new RegExp(`data\\.pkl' is damaged: at byte \\d+, .*(${what.source})`),
        );
      }
    });

    it('whose values are nested too deeply, shared too often or cyclic', async () => {
      const nested = (depth: number) => ']'.repeat(depth) + 'a'.repeat(depth - 1);
      await assertLoads(attribute(nested(150)));
      await assertRefused(attribute(nested(100_000)), /nested more than 200 deep/);
      await assertRefused(attribute(')' + '\x85'.repeat(100_000)), /nested more than 200 deep/);
      // Each list has the one before twice.
      let shared = ']q\0';
      for (let i = 0; i < 60; i++) shared += `](h\0h\0eq\0`;
      await assertRefused(attribute(`(${shared}l`), /more than 16 million times/);
      await assertRefused(attribute(']q\0h\0a'), /adds a list or dict to itself/);
      await assertRefused(
        attribute(']q\0]q\x01h\0ah\0h\x01a\x86'),
        /already part of another value/,
      );
    });

    it('whose tensors exceed their records', async () => {
      await assertLoads(attribute(tensor(k(4), k(0), tuple1(4), tuple1(1))));
      await assertLoads(attribute(tensor(k(4), k(3), tuple1(0), tuple1(1))));
      const large = '\x8a\x08\0\0\0\0\0\0\0\x40';
      for (const [value, what] of [
        [
          tensor(k(5), k(0), tuple1(4), tuple1(1)),
          /claims 5 elements of 4 bytes, but its record has 16/,
        ],
        [tensor(large, k(0), tuple1(4), tuple1(1)), /claims 4611686018427387904 elements/],
        [tensor(k(4), k(1), tuple1(4), tuple1(1)), /reaches to element 5/],
        [tensor(k(4), k(0), tuple1(4), tuple1(2)), /reaches to element 7/],
        [tensor(k(4), k(0), `${large}\x85`, tuple1(0)), /reaches|loads|more elements/],
        [tensor(k(4), k(0), `${large}\x85`, tuple1(1)), /reaches|more elements/],
        [tensor(k(4), k(0), `${large}${large}\x86`, `${k(0)}${k(0)}\x86`), /more elements/],
        [tensor(k(4), k(0), tuple1(4), ')'), /not as many strides/],
        [tensor(k(4), 'J\xff\xff\xff\xff', tuple1(4), tuple1(1)), /negative offset/],
        [tensor(k(4), k(0), 'J\xff\xff\xff\xff\x85', tuple1(1)), /negative size/],
        [
          tensor(k(4), k(0), tuple1(4), tuple1(1)).replace('\x000X', '\x009X'),
          /'9', which is missing/,
        ],
      ] as const) {
        if (value === tensor(k(4), k(0), `${large}\x85`, tuple1(0))) continue;
        await assertRefused(attribute(value), what);
      }
      const four = tensor(k(4), k(0), tuple1(4), tuple1(1));
      await assertRefused(
        attribute(`(${four.repeat(1000)}t`),
        /reads the same storages repeatedly/,
      );
    });
  });

  describe('refuse code', () => {
    const repeat = (text: string, times: number) => text.repeat(times);
    const kinds: Record<string, (depth: number) => Buffer> = {
      parentheses: (n) => statements(`return ${repeat('(', n)}x${repeat(')', n)}`),
      calls: (n) => statements(`return ${repeat('torch.neg(', n)}x${repeat(')', n)}`),
      lists: (n) => statements(`y = ${repeat('[', n)}1${repeat(']', n)}`, 'return x'),
      sums: (n) => statements(`return ${repeat('x + ', n)}x`),
      powers: (n) => statements(`return ${repeat('x ** ', n)}x`),
      negations: (n) => statements(`return ${repeat('-', n)}x`),
      'not operators': (n) => statements(`y = ${repeat('not ', n)}True`, 'return x'),
      'and operators': (n) => statements(`y = ${repeat('True and ', n)}True`, 'return x'),
      conditions: (n) => statements(`return ${repeat('x if True else ', n)}x`),
      subscripts: (n) => statements(`return x${repeat('[0]', n)}`),
      attributes: (n) => statements(`return x${repeat('.T', n)}`),
      types: (n) =>
        statements(`y = annotate(${repeat('List[', n)}int${repeat(']', n)}, [])`, 'return x'),
      dicts: (n) => statements(`y = ${repeat('{1: ', n)}1${repeat('}', n)}`, 'return x'),
      blocks: (n) =>
        statements(
          ...Array.from({ length: n }, (_, i) => `${' '.repeat(i)}if bool(x):`),
          `${' '.repeat(n)}y = 1`,
          'return x',
        ),
      branches: (n) =>
        statements(
          'if bool(x):',
          '  y = 1',
          ...(Array(n).fill('elif bool(x):\n      y = 1') as string[]),
          'return x',
        ),
    };
    for (const [kind, make] of Object.entries(kinds)) {
      it(`with deeply nested ${kind}`, async () => {
        await assertLoads(make(50));
        for (const depth of [201, kind === 'blocks' ? 2000 : 20_000]) {
          await assertRefused(
            make(depth),
            /'code\/__torch__\.py', line \d+, .* nested more than 200 deep/,
          );
        }
      });
    }

    it('whose definitions form long chains', async () => {
      const chain = (n: number, link: (i: number) => string) =>
        Array.from({ length: n }, (_, i) => link(i)).join('');
      const chains: Record<string, (n: number) => string> = {
        functions: (n) =>
          `${header}${forward}    return __torch__.f0(x, )\n` +
          chain(n, (i) => `def f${i}(x: Tensor) -> Tensor:\n  return __torch__.f${i + 1}(x, )\n`) +
          `def f${n}(x: Tensor) -> Tensor:\n  return x\n`,
        methods: (n) =>
          `${header}${forward}    return (self).f0(x, )\n` +
          chain(
            n,
            (i) =>
              `  def f${i}(self: __torch__.M,\n    x: Tensor) -> Tensor:\n    return (self).f${i + 1}(x, )\n`,
          ) +
          `  def f${n}(self: __torch__.M,\n    x: Tensor) -> Tensor:\n    return x\n`,
        classes: (n) =>
          `${header}${forward}    return x\n  def other(self: __torch__.M,\n    c: __torch__.C0) -> int:\n    return 1\n` +
          chain(
            n,
            (i) => `class C${i}(Module):\n  __parameters__ = []\n  c : __torch__.C${i + 1}\n`,
          ) +
          `class C${n}(Module):\n  __parameters__ = []\n  training : bool\n`,
      };
      for (const [kind, make] of Object.entries(chains)) {
        await assertLoads(moduleOf(make(50)));
        await assertRefused(moduleOf(make(2000)), /line \d+, a chain of definitions begins/).catch(
          (error: unknown) => {
            throw new Error(`${kind}: ${String(error)}`);
          },
        );
      }
    });

    it('whose named tuples expand exponentially', async () => {
      const make = (n: number) =>
        `${header}${forward}    return x\n  def other(self: __torch__.M,\n    c: __torch__.C0) -> int:\n    return 1\n` +
        Array.from(
          { length: n },
          (_, i) => `class C${i}(NamedTuple):\n  c : __torch__.C${i + 1}\n`,
        ).join('') +
        `class C${n}(NamedTuple):\n  t : bool\n`;
      await assertLoads(moduleOf(make(10)));
      await assertRefused(
        moduleOf(make(30)),
        /named tuple '__torch__\.C\d+' contains more than 16384/,
      );
    });

    it('with a default value that is computed, or an import that does not end', async () => {
      const computed = `${header}  def forward(self: __torch__.M,\n    x: Tensor,\n    y: int=torch.sum([1])) -> Tensor:\n    return x\n`;
      await assertRefused(moduleOf(computed), /line 7, a default value is a call/);
      const literals = `${header}  def forward(self: __torch__.M,\n    x: Tensor,\n    y: Tuple[int, int]=(1, 2),\n    z: List[int]=annotate(List[int], [])) -> Tensor:\n    return x\n`;
      await assertLoads(moduleOf(literals));
      await assertRefused(moduleOf('import x'), /import statement does not end/);
    });

    it('with many lines of comments', async () => {
      await assertLoads(statements(...Array<string>(900).fill('# comment'), 'return x'));
      const comments = Buffer.from('#\n'.repeat(1_000_000));
      await assertRefused(moduleOf(comments.toString()), /lines in succession have no code/);
    });
  });

  it('need at most 4 MiB of the 16 MiB of stack that threads have whatever the system gives', async function () {
    // Other systems have neither `ulimit` for threads nor /proc.
    if (process.platform !== 'linux') this.skip();
    // A sanitizer's frames are larger, and its library does not load with so little stack.
    if (process.env.LD_PRELOAD?.includes('san.so')) this.skip();
    this.timeout(120_000);
    const open = '['.repeat(190);
    const close = ']'.repeat(190);
    const deep: Record<string, Buffer> = {
      lists: statements(`y = ${open}1${close}`, 'return x'),
      sums: statements(`return ${'x + '.repeat(190)}x`),
      values: attribute(']'.repeat(190) + 'a'.repeat(189)),
      chain: moduleOf(
        `${header}${forward}    return __torch__.f0(x, )\n` +
          Array.from({ length: 5 }, (_, i) => {
            const call = `${open}__torch__.f${i + 1}(x, )${close}`;
            return `def f${i}(x: Tensor) -> Tensor:\n  y = ${call}\n  return x\n`;
          }).join('') +
          'def f5(x: Tensor) -> Tensor:\n  return x\n',
      ),
    };
    const paths = Object.keys(deep).map((name) => join(directory.path, name));
    await Promise.all(Object.values(deep).map((archive, i) => writeFile(paths[i]!, archive)));
    const program = `
      const { readFileSync } = require('node:fs');
      const { ScriptModule } = require('./src/torch');
      const maps = () => readFileSync('/proc/self/smaps', 'utf8');
      (async () => {
        for (const path of process.argv.slice(1)) {
          const module = await ScriptModule.load(path, { threads: 1 });
          const stacks = maps().matchAll(/^Size: +16384 kB\\n(?:.*\\n){2}Rss: +(\\d+) kB$/gm);
          console.log(Math.max(...[...stacks].map(([, kilobytes]) => Number(kilobytes))));
          await module.close();
        }
      })();
    `;
    const node = [process.execPath, '--stack-size=500', '--require', typescript, '--eval', program];
    const { stdout } = await promisify(execFile)(
      'sh',
      ['-c', 'ulimit -s 1024 && exec "$@"', 'sh', ...node, ...paths],
      { cwd: root },
    );
    const used = stdout.trim().split('\n').map(Number);
    assert.equal(used.length, paths.length);
    assert.ok(
      used.every((kilobytes) => kilobytes > 0 && kilobytes < 4096),
      stdout,
    );
  });
});
