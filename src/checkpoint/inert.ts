/** A class or function that a pickle names. It is only a name: nothing is imported or called. */
export class InertGlobal {
  constructor(readonly name: string) {}
}

/**
 * An object of a class that this package does not implement, such as an `argparse.Namespace` or a NumPy
 * scalar next to the tensors: its class and contents, as data.
 */
export class InertObject {
  /** The contents of a subclass of dict. */
  readonly entries = new Map<unknown, unknown>();
  /** The contents of a subclass of list or set. */
  readonly items: unknown[] = [];
  /** What its `__setstate__` would receive: usually a Map of its attributes. */
  state: unknown = undefined;

  constructor(
    /** The dotted name of its class, or of the function that would have made it. */
    readonly type: string,
  ) {}
}

/** Functions whose first argument is the class of the object that they make. */
const factories = new Set([
  'copyreg._reconstructor',
  'copyreg.__newobj__',
  'numpy.core.multiarray._reconstruct',
  'numpy._core.multiarray._reconstruct',
]);

/** The result of a call of an unknown class or function, which does not take place. */
export function inertCall(
  callee: InertGlobal | InertObject,
  args: readonly unknown[],
): InertObject {
  if (callee instanceof InertObject) return new InertObject(callee.type);
  const [first] = args;
  const named = factories.has(callee.name) && first instanceof InertGlobal ? first : callee;
  return new InertObject(named.name);
}
