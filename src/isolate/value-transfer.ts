import { guardGetters, invalidArgument } from '../options';
import { Tensor, typedArrayOver } from '../native';
import { type KeywordArguments, type ScriptValue } from '../torch';
import { isDType, type DType } from '../types';
import { offsetsOf, type Message } from './channel';

/** A value of TorchScript as JSON. */
type Encoded =
  | { readonly kind: 'plain'; readonly value: null | boolean | string | number }
  | { readonly kind: 'number' | 'bigint'; readonly text: string }
  | { readonly kind: 'tensor'; readonly index: number }
  | { readonly kind: 'list'; readonly items: readonly Encoded[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [Encoded, Encoded])[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [string, Encoded])[] };

/** A tensor: its elements are in the body of the message. */
interface EncodedTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly bytes: number;
}

/** A value for the header of a message, and the parts of its body. */
export interface TransferredValue {
  readonly header: { readonly value: Encoded; readonly tensors: readonly EncodedTensor[] };
  readonly parts: readonly Uint8Array[];
}

/** The deepest nesting of a value. */
const maxDepth = 100;

/**
 * Encodes a value, and copies the elements of its tensors: those on the CPU before it returns.
 *
 * @throws OptionError if a value has no counterpart in TorchScript
 */
export async function encodeValue(
  value: ScriptValue | readonly (ScriptValue | KeywordArguments)[],
): Promise<TransferredValue> {
  const tensors: Tensor[] = [];
  const encoded = guardGetters('the arguments of the call', value, () =>
    encode(value as ScriptValue, tensors, 0),
  );
  const elements = await Promise.all(tensors.map((tensor) => tensor.data()));
  const parts = elements.map(
    ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
  );
  const { offsets } = offsetsOf(parts);
  const header = tensors.map(({ dtype, shape }, i) => ({
    ...{ dtype, shape, offset: offsets[i]!, bytes: parts[i]!.byteLength },
  }));
  return { header: { value: encoded, tensors: header }, parts };
}

/**
 * Decodes a value that another process, which is not trusted, has sent. The tensors are copies.
 *
 * @throws if it is not valid
 */
export function decodeValue({ header, body }: Message): ScriptValue {
  const { value, tensors } = header as { value: unknown; tensors: unknown };
  if (!Array.isArray(tensors)) throw new Error('its tensors are not a list');
  const created: Tensor[] = [];
  try {
    for (const tensor of tensors) created.push(decodeTensor(tensor, body));
    return decode(value, created, 0);
  } catch (error) {
    for (const tensor of created) tensor.dispose();
    throw error;
  }
}

/** The tensors in a value. */
export function disposeTensors(value: ScriptValue): void {
  if (value instanceof Tensor) {
    value.dispose();
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const item of value instanceof Map ? value.values() : Object.values(value)) {
    disposeTensors(item as ScriptValue);
  }
}

function encode(value: ScriptValue, tensors: Tensor[], depth: number): Encoded {
  if (depth > maxDepth) {
    throw invalidArgument('an argument of a call', `at most ${maxDepth} levels of nesting`, value);
  }
  const encodeItem = (item: ScriptValue) => encode(item, tensors, depth + 1);
  switch (typeof value) {
    case 'undefined':
      return { kind: 'plain', value: null };
    case 'boolean':
    case 'string':
      return { kind: 'plain', value };
    case 'bigint':
      return { kind: 'bigint', text: String(value) };
    case 'number':
      // JSON has neither NaN, infinities nor -0.
      if (Number.isFinite(value) && !Object.is(value, -0)) return { kind: 'plain', value };
      return { kind: 'number', text: Object.is(value, -0) ? '-0' : String(value) };
    case 'object':
      if (value === null) return { kind: 'plain', value };
      if (value instanceof Tensor) return { kind: 'tensor', index: tensors.push(value) - 1 };
      if (Array.isArray(value)) {
        return { kind: 'list', items: Array.from(value as readonly ScriptValue[], encodeItem) };
      }
      if (value instanceof Map) {
        const entries = [...(value as ReadonlyMap<ScriptValue, ScriptValue>)];
        return { kind: 'map', entries: entries.map(([k, v]) => [encodeItem(k), encodeItem(v)]) };
      }
      return {
        kind: 'object',
        entries: Object.entries(value).map(([key, item]) => [key, encodeItem(item as ScriptValue)]),
      };
    default:
      throw invalidArgument('an argument of a call', 'a value of TorchScript', value);
  }
}

function decode(encoded: unknown, tensors: readonly Tensor[], depth: number): ScriptValue {
  if (depth > maxDepth) throw new Error('it is nested too deeply');
  const decodeItem = (item: unknown) => decode(item, tensors, depth + 1);
  const { kind, value, text, index, items, entries } = encoded as Record<string, unknown>;
  switch (kind) {
    case 'plain':
      if (value !== null && typeof value === 'object')
        throw new Error('a plain value is an object');
      return value as ScriptValue;
    case 'number':
      return Number(text);
    case 'bigint':
      return BigInt(text as string);
    case 'tensor': {
      const tensor = tensors[index as number];
      if (!tensor) throw new Error('a tensor is missing');
      return tensor;
    }
    case 'list':
      return (items as unknown[]).map(decodeItem);
    case 'map':
      return new Map(
        (entries as [unknown, unknown][]).map(([k, v]) => [decodeItem(k), decodeItem(v)]),
      );
    case 'object':
      return Object.fromEntries(
        (entries as [unknown, unknown][]).map(([key, item]) => [String(key), decodeItem(item)]),
      );
    default:
      throw new Error('a value has an unknown kind');
  }
}

function decodeTensor(encoded: unknown, body: Uint8Array<ArrayBuffer>): Tensor {
  const { dtype, shape, offset, bytes } = encoded as Record<string, unknown>;
  if (typeof dtype !== 'string' || !isDType(dtype)) throw new Error('a tensor has no dtype');
  const isInBody =
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(bytes) &&
    (offset as number) >= 0 &&
    (bytes as number) >= 0 &&
    (offset as number) + (bytes as number) <= body.length;
  if (!isInBody) throw new Error('a tensor is outside of the message');
  const elements = typedArrayOver(dtype, body, offset as number, bytes as number);
  return Tensor.from(elements, shape as number[], dtype);
}
