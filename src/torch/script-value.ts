import { Tensor } from '../native';
import { guardGetters, invalidArgument } from '../options';

/**
 * A value that is passed between JavaScript and TorchScript, by its TorchScript type:
 *
 * | TorchScript | from JavaScript | to JavaScript |
 * |---|---|---|
 * | `Tensor` | `Tensor` | `Tensor` |
 * | `int` | integer or bigint | number, bigint beyond 2^53 |
 * | `float` | number | number |
 * | `bool`, `str` | boolean, string | boolean, string |
 * | `None` | null or undefined | null |
 * | `Optional[T]` | T, null or undefined | T or null |
 * | `List[T]`, `Tuple[…]` | array | array |
 * | named tuple | object or array | object |
 * | `Dict[str, T]` | object or Map | object |
 * | `Dict[int, T]` and other keys | Map | Map |
 * | `Device` | string | string |
 * | `Any`, `Union[…]` | inferred from the value | by its type |
 *
 * For `Any` and `Union`, an integer becomes `int`, another number `float`, and an array of both
 * `List[float]`; an array, object or Map with elements of several types becomes one of `Any`.
 *
 * Lists and dicts are copied in both directions. Tensors share their memory: a method that modifies one in
 * place modifies the caller's.
 */
export type ScriptValue =
  | Tensor
  | number
  | bigint
  | boolean
  | string
  | null
  | undefined
  | readonly ScriptValue[]
  | ReadonlyMap<ScriptValue, ScriptValue>
  | { readonly [name: string]: ScriptValue };

/** Keyword arguments, as the last argument of a call. */
export interface KeywordArguments {
  readonly kwargs: Readonly<Record<string, ScriptValue>>;
}

/** Splits arguments into positional and keyword ones. @throws OptionError if they are not an array */
export function splitArguments(
  args: readonly (ScriptValue | KeywordArguments)[],
): [readonly unknown[], object] {
  return guardGetters('the arguments of the call', args, () => {
    if (!Array.isArray(args)) throw invalidArgument('the arguments of a call', 'an array', args);
    const copy = Array.from(args as readonly (ScriptValue | KeywordArguments)[]);
    const last = copy.at(-1);
    return isKeywordArguments(last) ? [copy.slice(0, -1), last.kwargs] : [copy, {}];
  });
}

/** The size in bytes of the tensors among the arguments of a call, and in lists of these. */
export function sizeOfTensors([positional, named]: [readonly unknown[], object]): number {
  const sizeOf = (value: unknown) => (value instanceof Tensor ? value.byteLength : 0);
  try {
    const values = [...positional, ...(Object.values(named) as unknown[])];
    return values
      .flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : [value]))
      .reduce<number>((sum, value) => sum + sizeOf(value), 0);
  } catch {
    // A getter threw, or a tensor is forged: the call itself reports it.
    return 0;
  }
}

function isKeywordArguments(value: unknown): value is KeywordArguments {
  return (
    isPlainObject(value) && Object.keys(value).join() === 'kwargs' && isPlainObject(value.kwargs)
  );
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  // In another realm, Object.prototype is a different object, but its prototype is null too.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
