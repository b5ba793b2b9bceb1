import { malformedError, unsafeError } from './errors';
import { inertCall, InertGlobal, InertObject } from './inert';
import {
  Constructor,
  globals,
  loadPersistent,
  type OpaqueStorage,
  type PickledStorage,
} from './torch-objects';
import type { Sliced } from './slices';
import { isUnsafeGlobal, modernName } from './unsafe-globals';

/** Maximum size of a pickle in bytes. */
export const MAX_PICKLE_BYTES = 2 ** 26;
/** Maximum number of opcodes in a pickle: enough for 20,000 tensors; a ResNet-101 and its optimizer have 1,900. */
const MAX_OPCODES = 2 ** 20;
/** Maximum number of lists, dictionaries and other objects: a tensor has about five. */
const MAX_OBJECTS = 2 ** 17;
/** Maximum number of entries of a dictionary or set: a larger one blocks the event loop whenever it grows. */
const MAX_ENTRIES = 2 ** 17;
/** Longer text, such as a log, is not decoded: it cannot be the name of a tensor or metadata. */
const MAX_TEXT_BYTES = 2 ** 14;
/** Maximum length of the name of a class or function. */
const MAX_NAME_BYTES = 2 ** 13;
/** The number of opcodes between two points at which reading can be interrupted. */
const OPCODES_PER_STEP = 64;
/** Maximum size of an integer in bytes. The longest in checkpoints, the legacy magic number, has 10. */
const MAX_INTEGER_BYTES = 64;

/** Thrown if the bytes end before the pickle does. */
export class TruncatedPickleError extends Error {}

/** The unpickled object, and where the pickle ends. */
export interface Unpickled {
  /**
   * Lists and tuples are arrays, dictionaries are Maps: no key can reach a prototype. Other objects are
   * `InertObject`.
   */
  value: unknown;
  /** The offset of the first byte after the pickle. */
  end: number;
  /** The storages that it refers to, by key. */
  storages: Map<string, PickledStorage | OpaqueStorage>;
}

/**
 * Reads the pickle that begins at `start`: the opcodes of protocols 2 to 5 that `torch.save` and
 * objects next to the tensors need.
 *
 * In Python, a pickle is a program that may call any function. Here, nothing is imported or called: a global is
 * one of the constructors of this package (`globals`), which make tensors and dictionaries; or it is a name
 * (`InertGlobal`), and what calling it would have made is a placeholder (`InertObject`), never a tensor. So a
 * training checkpoint may contain an `argparse.Namespace`, NumPy scalars or objects of the script's own
 * classes. Globals that only an attack needs, such as `os.system`, are refused nevertheless, so that the file
 * is not passed on as harmless (`isUnsafeGlobal`). The number of opcodes and objects is limited, which bounds time
 * and memory; there is no recursion.
 *
 * @throws TruncatedPickleError if `bytes` ends before the pickle does.
 * @throws CheckpointError for anything else that is wrong with it.
 */
export function unpickle(bytes: Buffer, start: number, path: string): Sliced<Unpickled> {
  return new Machine(bytes, start, path).run();
}

/** The opcodes, named as in Python's `pickletools`. */
const Op = {
  MARK: 0x28, // (
  EMPTY_TUPLE: 0x29, // )
  STOP: 0x2e, // .
  BINBYTES: 0x42, // B
  SHORT_BINBYTES: 0x43, // C
  BINFLOAT: 0x47, // G
  BININT: 0x4a, // J
  BININT1: 0x4b, // K
  BININT2: 0x4d, // M
  NONE: 0x4e, // N
  POP: 0x30, // 0
  POP_MARK: 0x31, // 1
  BINPERSID: 0x51, // Q
  REDUCE: 0x52, // R
  BINSTRING: 0x54, // T
  SHORT_BINSTRING: 0x55, // U
  BINUNICODE: 0x58, // X
  EMPTY_LIST: 0x5d, // ]
  APPEND: 0x61, // a
  BUILD: 0x62, // b
  GLOBAL: 0x63, // c
  APPENDS: 0x65, // e
  BINGET: 0x68, // h
  LONG_BINGET: 0x6a, // j
  BINPUT: 0x71, // q
  LONG_BINPUT: 0x72, // r
  SETITEM: 0x73, // s
  TUPLE: 0x74, // t
  SETITEMS: 0x75, // u
  EMPTY_DICT: 0x7d, // }
  PROTO: 0x80,
  NEWOBJ: 0x81,
  TUPLE1: 0x85,
  TUPLE2: 0x86,
  TUPLE3: 0x87,
  NEWTRUE: 0x88,
  NEWFALSE: 0x89,
  LONG1: 0x8a,
  LONG4: 0x8b,
  SHORT_BINUNICODE: 0x8c,
  BINUNICODE8: 0x8d,
  BINBYTES8: 0x8e,
  EMPTY_SET: 0x8f,
  ADDITEMS: 0x90,
  FROZENSET: 0x91,
  NEWOBJ_EX: 0x92,
  STACK_GLOBAL: 0x93,
  MEMOIZE: 0x94,
  FRAME: 0x95,
  BYTEARRAY8: 0x96,
} as const;

/** The opcodes that push a new object. A tuple has a MARK, or at most three items. */
const makesObject: ReadonlySet<number> = new Set([
  ...[Op.EMPTY_LIST, Op.EMPTY_TUPLE, Op.EMPTY_DICT, Op.EMPTY_SET, Op.TUPLE1, Op.TUPLE2, Op.TUPLE3],
  ...[Op.GLOBAL, Op.STACK_GLOBAL, Op.REDUCE, Op.NEWOBJ, Op.NEWOBJ_EX, Op.BINPERSID],
  ...[Op.SHORT_BINBYTES, Op.BINBYTES, Op.BINBYTES8, Op.BYTEARRAY8],
]);

class Machine {
  readonly #bytes: Buffer;
  readonly #path: string;
  #offset: number;
  #stack: unknown[] = [];
  /** The stack below each open mark, outermost first. */
  readonly #metastack: unknown[][] = [];
  /** Sparse: an index that was never stored has no entry. */
  readonly #memo: unknown[] = [];
  #memoized = 0;
  #objects = 0;
  readonly #storages = new Map<string, PickledStorage | OpaqueStorage>();

  constructor(bytes: Buffer, start: number, path: string) {
    this.#bytes = bytes;
    this.#offset = start;
    this.#path = path;
  }

  *run(): Sliced<Unpickled> {
    for (let count = 0; count < MAX_OPCODES; count++) {
      if (count % OPCODES_PER_STEP === 0) yield;
      const op = this.#uint(1);
      if (op === Op.STOP)
        return { value: this.#pop(), end: this.#offset, storages: this.#storages };
      if (this.#tryMutate(op)) continue;
      // Not `this.#stack.push(this.#produce(op))`: that evaluates `this.#stack` before `#produce` replaces it.
      const value = this.#produce(op);
      this.#stack.push(value);
    }
    throw this.#malformed(`has more than ${MAX_OPCODES} opcodes`);
  }

  /** Executes `op` and returns true if it pushes no value (MARK, APPEND, BINPUT, …); otherwise returns false. */
  #tryMutate(op: number): boolean {
    switch (op) {
      case Op.PROTO: {
        const protocol = this.#uint(1);
        if (protocol > 5)
          throw this.#malformed(`uses protocol ${protocol}, which is not supported`);
        break;
      }
      case Op.FRAME:
        // Frames are buffering hints. Bounds are checked when the bytes are read.
        this.#advance(8);
        break;
      case Op.MARK:
        this.#countObject();
        this.#metastack.push(this.#stack);
        this.#stack = [];
        break;
      case Op.POP:
        this.#pop();
        break;
      case Op.POP_MARK:
        this.#popToMark();
        break;
      case Op.APPEND:
        this.#append(this.#popMany(1));
        break;
      case Op.APPENDS:
        this.#append(this.#popToMark());
        break;
      case Op.ADDITEMS:
        this.#addItems(this.#popToMark());
        break;
      case Op.SETITEM:
        this.#setItems(this.#popMany(2));
        break;
      case Op.SETITEMS:
        this.#setItems(this.#popToMark());
        break;
      case Op.BINPUT:
        this.#memoize(this.#uint(1));
        break;
      case Op.LONG_BINPUT:
        this.#memoize(this.#uint(4));
        break;
      case Op.MEMOIZE:
        this.#memoize(this.#memoized);
        break;
      default:
        return false;
    }
    return true;
  }

  /** The value that `op` pushes. */
  #produce(op: number): unknown {
    if (makesObject.has(op)) this.#countObject();
    switch (op) {
      case Op.NONE:
        return null;
      case Op.NEWTRUE:
        return true;
      case Op.NEWFALSE:
        return false;
      case Op.BININT:
        return this.#bytes.readInt32LE(this.#advance(4));
      case Op.BININT1:
        return this.#uint(1);
      case Op.BININT2:
        return this.#uint(2);
      case Op.LONG1:
        return this.#integer(this.#uint(1));
      case Op.LONG4:
        return this.#integer(this.#uint(4));
      case Op.BINFLOAT:
        return this.#bytes.readDoubleBE(this.#advance(8));

      case Op.SHORT_BINSTRING:
      case Op.SHORT_BINUNICODE:
        return this.#text(this.#uint(1));
      case Op.BINSTRING:
      case Op.BINUNICODE:
        return this.#text(this.#uint(4));
      case Op.BINUNICODE8:
        return this.#text(this.#uint64Length());
      case Op.SHORT_BINBYTES:
        return this.#blob(this.#uint(1));
      case Op.BINBYTES:
        return this.#blob(this.#uint(4));
      case Op.BINBYTES8:
      case Op.BYTEARRAY8:
        return this.#blob(this.#uint64Length());

      case Op.EMPTY_LIST:
      case Op.EMPTY_TUPLE:
        return [];
      case Op.EMPTY_DICT:
        return new Map();
      case Op.EMPTY_SET:
        return new Set();
      case Op.TUPLE:
        return this.#popToMark();
      case Op.TUPLE1:
        return this.#popMany(1);
      case Op.TUPLE2:
        return this.#popMany(2);
      case Op.TUPLE3:
        return this.#popMany(3);
      case Op.FROZENSET:
        return this.#frozenSet(this.#popToMark());

      case Op.BINGET:
        return this.#readMemo(this.#uint(1));
      case Op.LONG_BINGET:
        return this.#readMemo(this.#uint(4));
      case Op.GLOBAL:
        return this.#global([this.#line(), this.#line()]);
      case Op.STACK_GLOBAL:
        return this.#global(this.#popMany(2));
      case Op.REDUCE:
      case Op.NEWOBJ:
        return this.#call(this.#popMany(2));
      case Op.NEWOBJ_EX:
        return this.#call(this.#popMany(3));
      case Op.BUILD:
        return this.#build(this.#popMany(2));
      case Op.BINPERSID:
        return this.#persistent(this.#pop());
      default:
        throw this.#malformed(
          `has the opcode 0x${op.toString(16)} at byte ${this.#offset - 1}, which is not supported`,
        );
    }
  }

  /** Moves past `length` bytes; returns the offset of the first. */
  #advance(length: number): number {
    const start = this.#offset;
    if (length > this.#bytes.length - start) throw new TruncatedPickleError();
    this.#offset += length;
    return start;
  }

  #uint(length: 1 | 2 | 4): number {
    return this.#bytes.readUIntLE(this.#advance(length), length);
  }

  #uint64Length(): number {
    // Lengths beyond 2^53 lose precision, but #advance rejects them anyway.
    return Number(this.#bytes.readBigUInt64LE(this.#advance(8)));
  }

  #integer(length: number): number | bigint {
    if (length > MAX_INTEGER_BYTES) throw this.#malformed(`has an integer of ${length} bytes`);
    if (length === 0) return 0;
    const start = this.#advance(length);
    const hex = Buffer.from(this.#bytes.subarray(start, this.#offset)).reverse().toString('hex');
    const value = BigInt.asIntN(8 * length, BigInt(`0x${hex}`));
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  #text(length: number): string | InertObject {
    const start = this.#advance(length);
    if (length > MAX_TEXT_BYTES) {
      this.#countObject();
      return new InertObject('str');
    }
    return this.#bytes.toString('utf8', start, this.#offset);
  }

  #blob(length: number): Buffer {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, this.#offset);
  }

  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#offset);
    if (end < 0) throw new TruncatedPickleError();
    const length = end - this.#offset;
    if (length > MAX_NAME_BYTES) throw this.#malformed(`has a name of ${length} bytes`);
    const text = this.#bytes.toString('utf8', this.#advance(length), end);
    this.#advance(1);
    return text;
  }

  #pop(): unknown {
    return this.#popMany(1)[0];
  }

  #popMany(count: number): unknown[] {
    if (this.#stack.length < count) throw this.#malformed('underflows the stack');
    return this.#stack.splice(-count);
  }

  #popToMark(): unknown[] {
    const items = this.#stack;
    const below = this.#metastack.pop();
    if (!below) throw this.#malformed('lacks a mark');
    this.#stack = below;
    return items;
  }

  #top(): unknown {
    return this.#stack.at(-1);
  }

  #append(items: unknown[]): void {
    const target = this.#top();
    const list = target instanceof InertObject ? target.items : target;
    if (!Array.isArray(list)) throw this.#malformed('appends to a value that is not a list');
    for (const item of items) list.push(item);
  }

  #addItems(items: unknown[]): void {
    const set = this.#top();
    if (set instanceof InertObject) {
      this.#append(items);
      return;
    }
    if (!(set instanceof Set)) throw this.#malformed('adds to a value that is not a set');
    this.#checkSize({ size: set.size + items.length });
    for (const item of items) set.add(item);
  }

  #frozenSet(items: unknown[]): Set<unknown> {
    this.#checkSize({ size: items.length });
    return new Set(items);
  }

  #checkSize({ size }: { readonly size: number }): void {
    if (size > MAX_ENTRIES) {
      throw this.#malformed(`has a dictionary or set of more than ${MAX_ENTRIES} entries`);
    }
  }

  #countObject(): void {
    if (++this.#objects > MAX_OBJECTS) {
      throw this.#malformed(`has more than ${MAX_OBJECTS} objects`);
    }
  }

  #setItems(items: unknown[]): void {
    const target = this.#top();
    const dict = target instanceof InertObject ? target.entries : target;
    if (!(dict instanceof Map))
      throw this.#malformed('sets items of a value that is not a dictionary');
    if (items.length % 2) throw this.#malformed('has a key without a value');
    this.#checkSize({ size: dict.size + items.length / 2 });
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  }

  #memoize(index: number): void {
    if (this.#stack.length === 0) throw this.#malformed('memoizes with an empty stack');
    if (index >= MAX_OPCODES) throw this.#malformed(`memoizes a value at index ${index}`);
    if (!(index in this.#memo)) this.#memoized++;
    this.#memo[index] = this.#top();
  }

  #readMemo(index: number): unknown {
    if (!(index in this.#memo))
      throw this.#malformed(`reads memo entry ${index}, which was never stored`);
    return this.#memo[index];
  }

  #global([module, name]: unknown[]): unknown {
    if (typeof module !== 'string' || typeof name !== 'string') {
      throw this.#malformed('has a global whose name is not a string');
    }
    const length = module.length + name.length;
    if (length > MAX_NAME_BYTES) throw this.#malformed(`has a name of ${length} characters`);
    const fullName = modernName(module, name);
    const known = globals.get(fullName);
    if (known !== undefined) return known;
    if (isUnsafeGlobal(fullName)) throw unsafeError(this.#path, `${module}.${name}`);
    return new InertGlobal(fullName);
  }

  /** Makes an object from a class or function, its arguments and its keyword arguments, which are ignored. */
  #call([callee, args]: unknown[]): unknown {
    if (!Array.isArray(args)) throw this.#malformed('calls an object that is not callable');
    if (callee instanceof InertGlobal || callee instanceof InertObject) {
      return inertCall(callee, args);
    }
    if (!(callee instanceof Constructor)) {
      throw this.#malformed('calls an object that is not callable');
    }
    const result = callee.make(args);
    if (result !== undefined) return result;
    if (callee.name === 'builtins.getattr') throw unsafeError(this.#path, callee.name);
    throw this.#malformed(`calls ${callee.name} with invalid arguments`);
  }

  /** Sets the attributes of an object. Those of an ordered dictionary (`_metadata`) are dropped. */
  #build([target, state]: unknown[]): unknown {
    if (target instanceof InertObject) target.state = state;
    else if (!(target instanceof Map)) {
      throw this.#malformed('sets attributes of an unsupported object');
    }
    return target;
  }

  #persistent(id: unknown): unknown {
    const object = loadPersistent(id);
    if (!object) throw this.#malformed('has an invalid storage reference');
    if (object instanceof InertGlobal) return object;
    const known = this.#storages.get(object.key);
    if (known && (storageType(known) !== storageType(object) || known.numel !== object.numel)) {
      throw this.#malformed('has conflicting descriptions of a storage');
    }
    this.#storages.set(object.key, object);
    return object;
  }

  #malformed(fault: string): Error {
    return malformedError(this.#path, `its pickle ${fault}`);
  }
}

function storageType(storage: PickledStorage | OpaqueStorage): string {
  return 'dtype' in storage ? storage.dtype : storage.type;
}
