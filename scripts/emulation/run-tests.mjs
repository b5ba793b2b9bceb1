// Runs files of tests with mocha on an emulated processor, one process a file, and sums up what they report.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { step } from '../build-addon.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Longer than any file takes, in milliseconds. */
const limit = 2 * 3600 * 1000;

/** Variables of all emulated processes, which tests that run mocha pass on. */
const emulated = {
  // QEMU's threads outnumber the cores: threads that spin while they wait would slow down the others.
  OMP_WAIT_POLICY: 'passive',
  // Limits of time are for real processors.
  MOCHA_OPTIONS: `--require ${join(root, 'test', 'sanitize', 'no-timeouts.cjs')}`,
  SEMISUP_TEST_EMULATED: '1',
};

/** Checks that `semisup doctor` finds no problem, and that what it says of the processor ends with `expected`. */
export function checkDoctor({ node: [program, ...args], env: own }, env, expected) {
  const command = join(root, 'src', 'cli', 'index.ts');
  const { status, stdout, stderr } = spawnSync(
    program,
    [...args, '--require', 'tsx', command, 'doctor', '--json'],
    { cwd: root, encoding: 'utf8', env: { ...process.env, ...env, ...own } },
  );
  const detail = status === 0 && JSON.parse(stdout).find(({ name }) => name === 'cpu').detail;
  if (!detail || !detail.endsWith(expected)) {
    throw new Error(`Expected '${expected}' of semisup doctor, but received:\n${stdout}${stderr}`);
  }
  step(`semisup doctor: ${detail}`);
}

/**
 * A file of tests.
 *
 * @typedef TestFile
 * @property {string} file its path in the repository
 * @property {string} [grep] a regular expression that the titles of its tests match
 * @property {string[]} [node] the command that runs Node, instead of the emulated one
 */

/**
 * Runs the tests in order and prints their output, a summary and the reasons of skipped tests.
 *
 * @param {{ name: string, emulator: import('./emulator.mjs').Emulator, env: NodeJS.ProcessEnv, tests: TestFile[] }}
 * @returns whether all of them passed
 */
export async function runTests({ name, emulator, env, tests }) {
  const started = Date.now();
  const results = [];
  for (const [i, test] of tests.entries()) {
    if (!existsSync(join(root, test.file))) throw new Error(`${test.file} does not exist.`);
    step(`[${i + 1}/${tests.length}] ${name}: ${test.file}${test.grep ? `, ${test.grep}` : ''}`);
    const result = await runFile(test, test.node ?? emulator.node, { ...env, ...emulator.env });
    step(`  ${describe(result)}`);
    results.push({ ...test, ...result });
  }
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  const total = { passing: sum('passing'), pending: sum('pending'), failing: sum('failing') };
  step(`${name}: ${describe({ ...total, seconds: seconds(started) })}`);
  for (const { file, skipped } of results) {
    for (const title of skipped) step(`  skipped in ${file}: ${title}`);
  }
  const failed = results.filter(({ isOk }) => !isOk);
  for (const { file, reason } of failed) step(`  FAILED: ${file}, ${reason}`);
  return failed.length === 0;
}

function describe({ passing, pending, failing, seconds }) {
  return `${passing} passed, ${pending} skipped, ${failing} failed, ${seconds} s`;
}

const seconds = (started) => Math.round((Date.now() - started) / 1000);

async function runFile({ file, grep }, node, env) {
  const started = Date.now();
  const [program, ...args] = [
    ...[...node, join(root, 'node_modules', 'mocha', 'bin', 'mocha.js'), '--reporter', 'spec'],
    ...(grep ? ['--grep', grep] : []),
    file,
  ];
  const child = spawn(program, args, {
    ...{ cwd: root, env: { ...process.env, ...emulated, ...env }, timeout: limit },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
    process.stdout.write(text);
  });
  const { code, signal } = await new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code, signal) => resolve({ code, signal }));
  });
  const count = (word) => Number(new RegExp(`^ +(\\d+) ${word}`, 'm').exec(output)?.[1] ?? 0);
  const [passing, pending, failing] = ['passing', 'pending', 'failing'].map(count);
  // A process that ends early reports nothing; a filter may match nothing.
  const isOk = code === 0 && failing === 0 && passing + pending > 0;
  return {
    ...{ passing, pending, failing, seconds: seconds(started), isOk },
    reason: `exit status ${signal ?? code}`,
    skipped: [...output.matchAll(/^ +- (.*)$/gm)].map(([, title]) => title),
  };
}
