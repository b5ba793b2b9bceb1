import { readFrom, invalidValue } from '../options';
import type { Tensor } from './tensor';

/**
 * A value as it crosses between JavaScript and TorchScript, by TorchScript's type:
 *
 * | TorchScript | JavaScript in | JavaScript out |
 * |---|---|---|
 * | `Tensor` | `Tensor` | `Tensor` |
 * | `int` | whole number or bigint | number, bigint beyond 2^53 |
 * | `float` | number | number |
 * | `bool`, `str` | boolean, string | boolean, string |
 * | `None` | null or undefined | null |
 * | `Optional[T]` | T, null or undefined | T or null |
 * | `List[T]`, `Tuple[…]` | array | array |
 * | named tuple | object or array | object |
 * | `Dict[str, T]` | object or Map | object |
 * | `Dict[int, T]` and other keys | Map | Map |
 * | `Device` | string | string |
 * | `Any`, `Union[…]` | as the value itself tells | as the value itself tells |
 *
 * By itself a whole number is an `int`, any other a `float`; an array of floats and whole numbers is a
 * `List[float]`; an array, object or Map whose parts have different types is one of `Any`.
 *
 * Lists and dicts are copied both ways. Tensors are not: a method that changes the elements of one in
 * place changes those of the caller's.
 */
export type Value =
  | Tensor
  | number
  | bigint
  | boolean
  | string
  | null
  | undefined
  | readonly Value[]
  | ReadonlyMap<Value, Value>
  | { readonly [name: string]: Value };

/** Keyword arguments, as the last argument of a call. */
export interface Keywords {
  readonly kwargs: Readonly<Record<string, Value>>;
}

/** Splits the arguments of a call into positional and keyword ones. @throws OptionError if they are no array */
export function splitArguments(args: readonly (Value | Keywords)[]): [readonly unknown[], object] {
  return readFrom('The arguments of a call', args, () => {
    if (!Array.isArray(args)) throw invalidValue('the arguments of a call', 'an array', args);
    const copy = Array.from(args as readonly (Value | Keywords)[]);
    const last = copy.at(-1);
    return isKeywords(last) ? [copy.slice(0, -1), last.kwargs] : [copy, {}];
  });
}

function isKeywords(value: unknown): value is Keywords {
  return (
    isPlainObject(value) && Object.keys(value).join() === 'kwargs' && isPlainObject(value.kwargs)
  );
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  // An object of another realm has that realm's prototype.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
