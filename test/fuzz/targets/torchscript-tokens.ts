/** What has a meaning in the code of a TorchScript archive. */
export const codeTokens: readonly Buffer[] = [
  ...'( ) [ ] { } , : . = + ** - """ \' " # \\'.split(' '),
  ...'x self torch ops prim CONSTANTS c0 __torch__ M Tensor List int None'.split(' '),
  ...'NamedTuple Enum torch.add annotate( uninitialized( 1e999'.split(' '),
  ...['\n', '\n  ', '\n    ', ' ', '\0', '\xff', '9'.repeat(30)],
  ...[
    'def f(x: Tensor) -> Tensor:',
    'class C(Module):',
    'if ',
    'else:',
    'while True:',
    'for i in ',
  ],
  ...[
    'return ',
    'import y',
    'with x:',
    'raise ',
    'assert ',
    'torch.save(x, "")',
    'getattr(x, "y")',
  ],
].map(latin1);

const opcodes = 'ctXKMJG]}()qhrjuesaldbRQN\x85\x86\x87\x88\x89\x8a\x81.';

/** What has a meaning in its pickles. */
export const pickleTokens: readonly Buffer[] = [
  ...Array.from(opcodes),
  'ctorch._utils\n_rebuild_tensor_v2\n',
  'ctorch._utils\n_rebuild_qtensor\n',
  'ctorch._utils\n_rebuild_sparse_tensor\n',
  'ctorch._utils\n_rebuild_parameter\n',
  'ctorch.jit._pickle\nbuild_intlist\n',
  'ctorch.jit._pickle\nbuild_tensorlist\n',
  'ctorch.jit._pickle\nrestore_type_tag\n',
  'ctorch\nFloatStorage\n',
  'ctorch\nQInt8Storage\n',
  'ctorch\ndevice\n',
  'ctorch\nper_channel_affine\n',
  'cbuiltins\ncomplex\n',
  'ccollections\nOrderedDict\n',
  'c__torch__\nM\n',
  'X\x03\0\0\0cpu',
  'X\x09\0\0\0List[int]',
  'X\x0e\0\0\0Dict[str, int]',
  '\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f',
  'J\xff\xff\xff\xff',
  '](e',
].map(latin1);

/** What has a meaning in its zip directory. */
export const zipTokens: readonly Buffer[] = [
  'PK\x01\x02',
  'PK\x05\x06',
  '\xff\xff\xff\xff',
  '\0\0\0\0',
].map(latin1);

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}
