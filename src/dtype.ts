/** The element types of tensors, named as PyTorch names them, with their size in bytes. */
export const dtypeBytes = {
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
  int8: 1,
  uint8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  bool: 1,
} as const;

/** An element type, named as PyTorch names it. */
export type DType = keyof typeof dtypeBytes;

/** Whether `name` is an element type that this package knows. */
export function isDType(name: string): name is DType {
  return Object.hasOwn(dtypeBytes, name);
}
