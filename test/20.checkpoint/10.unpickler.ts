import assert from 'node:assert/strict';
import { CheckpointError } from '../../src/errors';
import { InertObject } from '../../src/checkpoint/inert';
import { PickledTensor } from '../../src/checkpoint/torch-objects';
import { TruncatedPickleError, unpickle as unpickleSliced } from '../../src/checkpoint/unpickler';
import { bytes, dict, integer, tensor, text, tuple, uint32, uint64 } from '../support/pickle';

/** Reads a pickle without interruption. */
function unpickle(...args: Parameters<typeof unpickleSliced>) {
  const steps = unpickleSliced(...args);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

const load = (...parts: (string | Uint8Array)[]) => unpickle(bytes(...parts), 0, 'x.pth').value;

function assertRejected(pickle: Uint8Array, code: string, message: RegExp) {
  assert.throws(
    () => unpickle(Buffer.from(pickle), 0, 'x.pth'),
    (error) => {
      assert(error instanceof CheckpointError, String(error));
      assert.equal(error.code, `ERR_SEMISUP_CHECKPOINT_${code}`);
      assert.match(error.message, message);
      return true;
    },
  );
}

describe('unpickler', () => {
  describe('plain data', () => {
    it('reads None and booleans', () => {
      assert.deepEqual(load('(N\x88\x89t.'), [null, true, false]);
    });

    it('reads integers of every width and sign', () => {
      assert.equal(load('K\xff.'), 255);
      assert.equal(load('M\xff\xff.'), 65535);
      assert.equal(load('J\xfe\xff\xff\xff.'), -2);
      assert.equal(load('\x8a\x00.'), 0);
      assert.equal(load('\x8a\x01\x80.'), -128);
      assert.equal(load('\x8a\x02\x80\x00.'), 128);
      assert.equal(load('\x8b', uint32(2), '\xff\x7f.'), 32767);
      assert.equal(load(integer(-(2 ** 52)), '.'), -(2 ** 52));
      assert.equal(load(integer(2n ** 62n), '.'), 2n ** 62n);
    });

    it('reads floats', () => {
      assert.equal(load('G\x3f\xb9\x99\x99\x99\x99\x99\x9a.'), 0.1);
    });

    it('reads text and bytes with 1, 4 and 8 byte length fields', () => {
      const utf8 = Buffer.from('né');
      for (const opcode of ['U\x03', '\x8c\x03', 'T\x03\0\0\0', 'X\x03\0\0\0']) {
        assert.equal(load(opcode, utf8, '.'), 'né');
      }
      assert.equal(load('\x8d', uint64(3), utf8, '.'), 'né');
      for (const opcode of ['C\x03', 'B\x03\0\0\0', '\x8e\x03\0\0\0\0\0\0\0']) {
        assert.deepEqual(load(opcode, utf8, '.'), utf8);
      }
      assert.deepEqual(load('\x96', uint64(3), utf8, '.'), utf8);
    });

    it('reads lists, tuples, dictionaries and sets', () => {
      assert.deepEqual(load('](K\x01K\x02eK\x03a.'), [1, 2, 3]);
      assert.deepEqual(load('(K\x01\x85K\x01K\x02\x86K\x01K\x02K\x03\x87)t.'), [
        [1],
        [1, 2],
        [1, 2, 3],
        [],
      ]);
      assert.deepEqual(load('}K\x01K\x02s(K\x03K\x04K\x05K\x06u.'), new Map([[1, 2], [3, 4], [5, 6]])); // prettier-ignore
      assert.deepEqual(load('\x8f(K\x01K\x02\x90.'), new Set([1, 2]));
      assert.deepEqual(load('(K\x01K\x02\x91.'), new Set([1, 2]));
    });

    it('pops values, as the pickle of a recursive tuple does', () => {
      assert.equal(load('K\x01K\x020.'), 1);
      assert.equal(load('K\x01(K\x02K\x031.'), 1);
    });

    it('reads the memo through each of the three memo opcodes', () => {
      assert.deepEqual(load('(]q\x00h\x00t.'), [[], []]);
      assert.deepEqual(load('(]r\xff\xff\x0f\x00j\xff\xff\x0f\x00t.'), [[], []]);
      assert.deepEqual(load('(]\x94K\x07\x94h\x01h\x00t.'), [[], 7, 7, []]);
    });

    it('skips frames and reads consecutive pickles', () => {
      const pickles = bytes('\x80\x04\x95', uint64(2), 'K\x01.', 'K\x02.');
      const first = unpickle(pickles, 0, 'x.pth');
      assert.equal(first.value, 1);
      assert.equal(unpickle(pickles, first.end, 'x.pth').value, 2);
    });

    it('keeps __proto__ as an ordinary key', () => {
      const value = load(dict({ ['__proto__']: dict({ polluted: text('yes') }).subarray(2, -1) }));
      assert.deepEqual(value, new Map([['__proto__', new Map([['polluted', 'yes']])]]));
      assert.equal((value as { polluted?: string }).polluted, undefined);
    });
  });

  describe('ordered dictionary', () => {
    it('accepts and discards attributes', () => {
      const value = load('ccollections\nOrderedDict\n)R', text('a'), 'K\x01s}', text('_metadata'), '}sb.'); // prettier-ignore
      assert.deepEqual(value, new Map([['a', 1]]));
    });

    it('accepts the list of pairs that Python 2 writes', () => {
      const value = load('ccollections\nOrderedDict\n(](](U\x01aK\x01e](U\x01bK\x02eetR.');
      assert.deepEqual(value, new Map([['a', 1], ['b', 2]])); // prettier-ignore
    });
  });

  describe('globals', () => {
    it('supports sizes and dtypes', () => {
      assert.deepEqual(load('ctorch\nSize\n', tuple(tuple(integer(2))), 'R.'), [2]);
      assert.equal(load('ctorch\nfloat32\n.'), 'torch.float32');
    });

    it('reads objects of other classes as data, without calling anything', () => {
      const namespace = load('cargparse\nNamespace\n)\x81}', text('lr'), 'K\x01sb.');
      assert.ok(namespace instanceof InertObject);
      assert.equal(namespace.type, 'argparse.Namespace');
      assert.deepEqual(namespace.state, new Map([['lr', 1]]));

      const array = load('cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87RN', '\x85b.'); // prettier-ignore
      assert.ok(array instanceof InertObject);
      assert.equal(array.type, 'numpy.ndarray');

      const counter = load('cproject.tools\nCounter\n)R(U\x01aK\x01u.');
      assert.ok(counter instanceof InertObject);
      assert.deepEqual(counter.entries, new Map([['a', 1]]));

      const list = load('cproject.tools\nList\n)}\x92(K\x01K\x02eK\x03a.');
      assert.ok(list instanceof InertObject);
      assert.deepEqual(list.items, [1, 2, 3]);
      assert.deepEqual(load('ccollections\ndefaultdict\nc__builtin__\nlist\n\x85RK\x01]s.'), new Map([[1, []]])); // prettier-ignore
      assert.equal((load('c__main__\nMode\nK\x01\x85R.') as InertObject).type, '__main__.Mode');
    });

    it('reads the reference to a nested class, but to no other attribute', () => {
      const getattr = 'c__builtin__\ngetattr\n';
      const nested = load(getattr, 'cproject\nOuter\nU\x05Inner\x86R)\x81.');
      assert.equal((nested as InertObject).type, 'project.Outer.Inner');
      for (const args of [
        'cproject\nOuter\nU\x0b__globals__\x86',
        'cproject\nOuter\nU\x02os\x86',
        ')U\x05Inner\x86',
        'cproject\nOuter\nU\x06a\x0ab.cd\x86',
      ]) {
        assertRejected(bytes(getattr, args, 'R.'), 'UNSAFE', /names `builtins\.getattr`/);
      }
    });

    it('reads tensors of subclasses, and tensors of unsupported types as data', () => {
      const rebuild = 'ctorch._utils\n_rebuild_tensor_v2\n';
      const args = tensor().subarray(rebuild.length, -1);
      const state = bytes('ctorch._tensor\n_rebuild_from_type_v2\n(', rebuild, 'cproject\nMask\n', args, 'NtR.'); // prettier-ignore
      assert.ok(load(state) instanceof PickledTensor);
      const complex = load(tensor({ storage: 'ComplexFloatStorage' }), '.');
      assert.ok(complex instanceof InertObject);
      assert.equal(complex.type, 'torch.Tensor of torch.ComplexFloatStorage');
    });

    it('reads a class that the legacy format saves with its source', () => {
      const id = tuple(text('module'), bytes('cproject\nNet\n'), text('net.py'), text('class Net'));
      const object = load(id, 'Q)\x81.');
      assert.ok(object instanceof InertObject);
      assert.equal(object.type, 'project.Net');
    });

    it('rejects globals that only an attack needs and reports their names', () => {
      assertRejected(
        bytes('cos\nsystem\n(U\x02lstR.'),
        'UNSAFE',
        /names `os\.system`.* nothing was executed/,
      );
      assertRejected(bytes('\x8c\x02os\x8c\x06system\x93)R.'), 'UNSAFE', /`os\.system`/);
      assertRejected(bytes('c__builtin__\neval\n.'), 'UNSAFE', /`__builtin__\.eval`/);
      for (const name of [
        ...['posix.system', 'nt.system', 'subprocess.Popen', 'sys.modules', 'runpy.run_path'],
        ...['builtins.exec', 'builtins.compile', 'builtins.open', 'builtins.__import__'],
        ...['importlib.import_module', 'operator.attrgetter', 'pickle.loads', 'marshal.loads'],
        ...['ctypes.CDLL', 'io.open', 'types.FunctionType', 'torch.hub.load', 'torch.load'],
        ...['torch.serialization.os.system', 'project.tools.eval', 'project.__class__.mro'],
        ...['numpy.testing._private.utils.runstring', 'torch.utils.cpp_extension.load'],
      ]) {
        const at = name.lastIndexOf('.');
        const [module, attribute] = [name.slice(0, at), name.slice(at + 1)];
        const message = new RegExp(`names \`${name.replaceAll('.', '\\.')}\``);
        assertRejected(bytes(`c${module}\n${attribute}\n.`), 'UNSAFE', message);
      }
      assertRejected(bytes('c__proto__\nconstructor\n.'), 'UNSAFE', /__proto__\.constructor/);
    });

    it('truncates hostile names and replaces their control characters', () => {
      assertRejected(
        bytes('cos\x1b[2J\n', 'x'.repeat(5000), '\n.'),
        'UNSAFE',
        /`os\?\[2J\.x{100,120}…`/,
      );
    });

    it('rejects names that are not text', () => {
      assertRejected(bytes('K\x01K\x02\x93.'), 'FORMAT', /has a global whose name is not a string/);
    });
  });

  describe('corruption', () => {
    it('distinguishes a truncated pickle from other corruption', () => {
      for (const cut of [
        '',
        'K',
        'X\xff\xff\xff\xffa',
        '\x8d\xff\xff\xff\xff\xff\xff\xff\xffa',
        'cos\nsys',
        'N',
      ]) {
        // prettier-ignore
        assert.throws(() => load(cut), TruncatedPickleError);
      }
    });

    it('rejects opcodes that only other protocols or classes need', () => {
      for (const opcode of ['i', 'o', 'P', 'I', 'S', '\x82', '\x97', '2']) {
        assertRejected(
          bytes('(N', opcode, 'os\nsystem\n.'),
          'FORMAT',
          /has the opcode 0x.. at byte 2/,
        );
      }
      assertRejected(bytes('\x80\x06.'), 'FORMAT', /uses protocol 6/);
    });

    it('rejects operations that do not match the stack', () => {
      for (const pickle of ['.', 'R.', 'q\x00', 'K\x01R.', 'b.', '\x86.', 's.', 'Q.']) {
        assertRejected(
          bytes(pickle),
          'FORMAT',
          /underflows the stack|memoizes with an empty stack/,
        );
      }
      assertRejected(bytes('t.'), 'FORMAT', /lacks a mark/);
      assertRejected(bytes('h\x05.'), 'FORMAT', /reads memo entry 5/);
      assertRejected(bytes('NNa.'), 'FORMAT', /appends to a value that is not a list/);
      assertRejected(bytes('N(e.'), 'FORMAT', /appends to a value that is not a list/);
      assertRejected(bytes('](\x90.'), 'FORMAT', /adds to a value that is not a set/);
      assertRejected(bytes(']NNs.'), 'FORMAT', /sets items of a value that is not a dictionary/);
      assertRejected(bytes('}(Nu.'), 'FORMAT', /a key without a value/);
      assertRejected(bytes(']}b.'), 'FORMAT', /sets attributes of an unsupported object/);
      assertRejected(bytes('N)R.'), 'FORMAT', /calls an object that is not callable/);
      assertRejected(bytes('ctorch\nSize\nNR.'), 'FORMAT', /calls an object that is not callable/);
    });

    it('rejects invalid arguments', () => {
      assertRejected(
        bytes('ctorch\nSize\n)R.'),
        'FORMAT',
        /calls torch\.Size with invalid arguments/,
      );
      assertRejected(
        bytes('ctorch._utils\n_rebuild_tensor_v2\n)R.'),
        'FORMAT',
        /_rebuild_tensor_v2/,
      );
      assertRejected(
        bytes('ctorch._utils\n_rebuild_parameter\nN\x85R.'),
        'FORMAT',
        /_rebuild_parameter/,
      );
      assertRejected(bytes('ccollections\nOrderedDict\nN\x85R.'), 'FORMAT', /OrderedDict/);
      assertRejected(bytes('NQ.'), 'FORMAT', /has an invalid storage reference/);
      assertRejected(
        bytes('\x8b', uint32(2 ** 31), '.'),
        'FORMAT',
        /an integer of 2147483648 bytes/,
      );
    });

    it('processes a list only once, even if it is used many times', () => {
      const pair = 'N)\x86q\x00';
      const list = bytes(']q\x01(', 'h\x00'.repeat(2 ** 16), 'e');
      const dicts = 'h\x02h\x01\x85R'.repeat(2 ** 13);
      const started = performance.now();
      load('(ccollections\nOrderedDict\nq\x02', pair, list, dicts, 't.');
      assert(performance.now() - started < 5000);
    });

    it('rejects dictionaries and sets that are too large, and indices of the memo', () => {
      const entries = Buffer.alloc(6 * (2 ** 17 + 1));
      for (let i = 0; i <= 2 ** 17; i++) {
        entries.write('J', 6 * i);
        entries.writeInt32LE(i, 6 * i + 1);
        entries.write('N', 6 * i + 5);
      }
      for (const pickle of [
        bytes('}(', entries, 'u.'),
        bytes('\x8f(', entries, '\x90.'),
        bytes('(', entries, '\x91.'),
      ]) {
        assertRejected(pickle, 'FORMAT', /a dictionary or set of more than 131072 entries/);
      }
      assertRejected(bytes('Nr', uint32(2 ** 20), '.'), 'FORMAT', /a value at index 1048576/);
    });

    it('does not decode long text', () => {
      const long = bytes('X', uint32(2 ** 14 + 1), Buffer.alloc(2 ** 14 + 1, 'x'));
      const placeholder = load(long, '.');
      assert.ok(placeholder instanceof InertObject && placeholder.type === 'str');
    });

    it('stops after a bounded number of opcodes', () => {
      const started = performance.now();
      for (const opcode of ['N', 'Nq\x00', '\x8c\x00']) {
        assertRejected(bytes(opcode.repeat(2 ** 20)), 'FORMAT', /has more than 1048576 opcodes/);
      }
      for (const opcode of ['(', ']', '}', '\x8f', ')', 'ca\nb\n', 'C\x00', 'N\x85']) {
        assertRejected(bytes(opcode.repeat(2 ** 20)), 'FORMAT', /has more than 131072 objects/);
      }
      assert(performance.now() - started < 60_000);
    });
  });
});
