import { packArchive } from './archive';

/** The class of the module `M`, without methods. */
export const moduleClass = `class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
`;

/** The header of its method `forward`. */
export const forwardMethod = `  def forward(self: __torch__.M,
    x: Tensor) -> Tensor:
`;

/** A TorchScript archive with these records, with an empty table of constants by default. */
export function archiveOf(records: Readonly<Record<string, Buffer>>): Buffer {
  const all = {
    'constants.pkl': Buffer.from('\x80\x02).', 'latin1'),
    version: Buffer.from('3\n'),
    ...records,
  };
  return packArchive(
    Object.entries(all).map(([name, data]) => ({ name: `archive/${name}`, data })),
  );
}

/** An archive of a module whose class, `M`, is in `code`. */
export function moduleOf(code: string): Buffer {
  const pickle = '\x80\x02c__torch__\nM\n)\x81}(X\x08\0\0\0training\x89ub.';
  return archiveOf({
    'data.pkl': Buffer.from(pickle, 'latin1'),
    'code/__torch__.py': Buffer.from(code),
  });
}

/** An archive of a module whose `forward` consists of these statements. */
export function statements(...lines: string[]): Buffer {
  return moduleOf(moduleClass + forwardMethod + lines.map((line) => `    ${line}\n`).join(''));
}

/** An archive of a module with an attribute whose pickle is `value`, as Latin-1. */
export function attribute(value: string): Buffer {
  const pickle = `\x80\x02c__torch__\nM\n)\x81}(X\x01\0\0\0a${value}ub.`;
  return archiveOf({
    'data.pkl': Buffer.from(pickle, 'latin1'),
    'code/__torch__.py': Buffer.from('class M(Module):\n  __parameters__ = []\n  a : Any\n'),
    'data/0': Buffer.alloc(16),
  });
}
