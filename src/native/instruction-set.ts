import { invalidValue } from '../options';

/**
 * What the kernels of plans are compiled for, in ascending order; `'none'` for a processor with neither of them, whose
 * convolutions all run by oneDNN:
 *
 * - `'neon'`: 64-bit Arm.
 * - `'neon_dot'`: also dot products of bytes, which int8 uses, e.g. Apple M1, AWS Graviton2.
 * - `'neon_bf16'`: also products of matrices of bytes and of bfloat16 numbers, e.g. Apple M2, AWS Graviton3.
 * - `'avx2'`: AVX2 and FMA, e.g. Intel Haswell, AMD Zen.
 * - `'avx2_vnni'`: also AVX-VNNI, whose dot products of bytes int8 uses, e.g. Intel Alder Lake.
 * - `'avx512'`: AVX-512F.
 * - `'avx512_vnni'`: also AVX-512BW and AVX-512 VNNI, whose dot products of bytes int8 uses, e.g. Intel Ice Lake.
 * - `'avx512_bf16'`: also AVX-512 BF16, whose dot products bfloat16 uses, e.g. AMD Zen 4.
 * - `'amx'`: also AMX, which multiplies tiles of bytes and of bfloat16 numbers, e.g. Intel Sapphire Rapids; on Linux.
 */
export type InstructionSet =
  | 'none'
  | 'neon'
  | 'neon_dot'
  | 'neon_bf16'
  | 'avx2'
  | 'avx2_vnni'
  | 'avx512'
  | 'avx512_vnni'
  | 'avx512_bf16'
  | 'amx';

const x64 = [
  'none',
  'avx2',
  'avx2_vnni',
  'avx512',
  'avx512_vnni',
  'avx512_bf16',
  'amx',
] satisfies InstructionSet[];
const arm64 = ['none', 'neon', 'neon_dot', 'neon_bf16'] satisfies InstructionSet[];
/** Those of this architecture. */
const instructionSets: readonly string[] = process.arch === 'arm64' ? arm64 : x64;

/**
 * Checks `SEMISUP_CPU`, which lowers the instruction set and is read when the addon is loaded.
 *
 * @throws OptionError if it names no instruction set of this architecture
 */
export function checkInstructionSetLimit(): void {
  const limit = process.env.SEMISUP_CPU;
  if (limit === undefined || limit === '' || instructionSets.includes(limit)) return;
  throw invalidValue(
    'the environment variable SEMISUP_CPU',
    `one of ${instructionSets.map((name) => `'${name}'`).join(', ')}`,
    limit,
    'Correct it, or unset it for the best one of the processor.',
  );
}
