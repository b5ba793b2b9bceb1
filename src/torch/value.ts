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
 * | `Any` | as the value itself tells | as the value itself tells |
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

/** Splits the arguments of a call into positional and keyword ones. */
export function splitArguments(args: readonly (Value | Keywords)[]): [readonly unknown[], object] {
  const last = args.at(-1);
  return isKeywords(last) ? [args.slice(0, -1), last.kwargs] : [args, {}];
}

function isKeywords(value: unknown): value is Keywords {
  if (typeof value !== 'object' || value === null) return false;
  const { kwargs } = value as Partial<Keywords>;
  return Object.keys(value).join() === 'kwargs' && typeof kwargs === 'object' && kwargs !== null;
}
