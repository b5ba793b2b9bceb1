// Disassembles the kernels and reports, for the innermost loops, the share of instructions that are multiply-adds, and
// whether vectors are spilled to the stack. It shows how well the compiler did for a processor that cannot be measured
// here: it is no measurement of speed. Linux x64; NEON requires Debian's g++-aarch64-linux-gnu.
//   node scripts/inner-loops.mjs            the largest micro-tile of each file, and a summary of its loops
//   node scripts/inner-loops.mjs --all      every loop with a multiply-add
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { toolchainOf } from './prebuild/toolchain.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const x64 = {
  arch: 'x64',
  objdump: 'objdump',
  isMultiplyAdd: (name) => /^(vfn?m(add|sub)|vpdpbusd|vdpbf16ps|tdpb|vpmaddubsw)/.test(name),
  isJump: (name) => /^j/.test(name),
  hasVector: (operands) => /%[xyz]mm/.test(operands),
  // %rbp is the frame pointer only in functions that align the stack.
  stack: (instructions) =>
    instructions.some(({ text }) => /^mov +%rsp,%rbp/.test(text)) ? /\(%r[sb]p/ : /\(%rsp/,
};
const arm64 = {
  arch: 'arm64',
  objdump: 'aarch64-linux-gnu-objdump',
  isMultiplyAdd: (name) => /^(fmla|fmls|fmadd|sdot|usmmla|bfmmla)$/.test(name),
  isJump: (name) => /^(b|b\..*|cbn?z|tbn?z)$/.test(name),
  hasVector: (operands) => /\b[vq]\d+/.test(operands),
  stack: (instructions) =>
    instructions.some(({ text }) => /^mov +x29, sp/.test(text)) ? /\[(sp|x29)\b/ : /\[sp\b/,
};
const sets = {
  ...{ avx2: x64, avx2_int8: x64, avx2vnni: x64 },
  ...{ avx512: x64, avx512vnni: x64, avx512bf16: x64, amx: x64 },
  ...{ neon: arm64, neondot: arm64, neoni8mm: arm64, neonbf16: arm64 },
};

const { values } = parseArgs({ options: { all: { type: 'boolean', default: false } } });
const rows = [
  ['set', 'kernel', 'multiply-adds', 'instructions', 'share', 'spills', 'loops', 'that spill'],
];
for (const [set, machine] of Object.entries(sets)) {
  for (const object of compile(set, machine)) report(set, machine, object);
}
const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => String(row[i]).length)));
for (const row of rows) {
  console.log(
    row
      .map((cell, i) => (i < 2 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i])))
      .join('  '),
  );
}

/** Compiles the kernels of an instruction set, and returns the paths of their objects. */
function compile(set, { arch }) {
  const directory = join(root, 'build', 'kernels', arch);
  const toolchain = toolchainOf(arch);
  const options = toolchain ? [`-DCMAKE_TOOLCHAIN_FILE=${toolchain}`] : [];
  const run = (args) => execFileSync('cmake', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  run(['-S', join(root, 'test', 'kernels'), '-B', directory, ...options]);
  run(['--build', directory, '--target', `kernels_${set}`, '--parallel', '2']);
  const objects = join(directory, 'CMakeFiles', `kernels_${set}.dir`);
  return readdirSync(objects, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.o'))
    .sort()
    .map((name) => join(objects, name));
}

function report(set, machine, object) {
  const loops = disassemble(machine, object)
    .flatMap((instructions) => innermostLoops(machine, instructions))
    .filter(({ multiplyAdds }) => multiplyAdds > 0)
    .sort((a, b) => b.multiplyAdds - a.multiplyAdds || a.instructions - b.instructions);
  if (loops.length === 0) return;
  const share = (loop) => loop.multiplyAdds / loop.instructions;
  // Transforms and epilogues, which run once per tile, have lower shares.
  const highest = Math.max(...loops.map(share));
  const largest = loops.find((loop) => share(loop) >= highest / 2);
  const kernel = basename(object).replace(/(_simd)?\.cc\.o$/, '');
  const summary = [loops.length, loops.filter(({ spills }) => spills > 0).length];
  for (const loop of values.all ? loops : [largest]) {
    const { multiplyAdds, instructions, spills } = loop;
    const percent = `${Math.round(100 * share(loop))} %`;
    rows.push([
      ...[set, kernel, multiplyAdds, instructions, percent, spills],
      ...(loop === largest ? summary : ['', '']),
    ]);
  }
}

/** The instructions of each function of an object file. */
function disassemble({ objdump }, object) {
  const text = execFileSync(objdump, ['--disassemble', '--no-show-raw-insn', object], {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  return text
    .split(/^[0-9a-f]+ <.*>:$/m)
    .slice(1)
    .map((body) =>
      [...body.matchAll(/^ *([0-9a-f]+):\t(.*)$/gm)].map(([, address, instruction]) => {
        const line = instruction.trim().replace(/\t/g, ' ');
        const [name, operands = ''] = split(line);
        return { address: parseInt(address, 16), text: line, name, operands };
      }),
    );
}

function split(line) {
  const at = line.search(/ /);
  return at < 0 ? [line] : [line.slice(0, at), line.slice(at + 1)];
}

/** The loops, from the target of a backward jump to the jump, that contain no other. */
function innermostLoops(machine, instructions) {
  const indices = new Map(instructions.map(({ address }, i) => [address, i]));
  const ranges = instructions.flatMap(({ name, operands }, last) => {
    if (!machine.isJump(name)) return [];
    const target = /([0-9a-f]+) </.exec(operands);
    const first = target && indices.get(parseInt(target[1], 16));
    return first !== undefined && first !== null && first <= last ? [{ first, last }] : [];
  });
  const stack = machine.stack(instructions);
  return ranges
    .filter(({ first, last }) => {
      const isInside = (other) => other.first >= first && other.last <= last;
      return !ranges.some(
        (other) => isInside(other) && (other.first !== first || other.last !== last),
      );
    })
    .map(({ first, last }) => {
      const body = instructions.slice(first, last + 1);
      return {
        multiplyAdds: body.filter(({ name }) => machine.isMultiplyAdd(name)).length,
        instructions: body.length,
        spills: body.filter(({ operands }) => machine.hasVector(operands) && stack.test(operands))
          .length,
      };
    });
}
