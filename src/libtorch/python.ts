import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { deniedReason } from '../permission';

/** The directory of the active Python's `torch` package, or why it was not found. */
export type PythonTorch = { readonly dir: string } | { readonly problem: string };

/** The names of the Python executable, most likely first. */
export const pythons: readonly string[] =
  process.platform === 'win32' ? ['python', 'py'] : ['python3', 'python'];

// Importing the package would take seconds; `find_spec` only locates it.
const script = `
import importlib.util
spec = importlib.util.find_spec('torch')
print(spec.submodule_search_locations[0] if spec else '')
`;
const args = ['-c', script];
const limits = { encoding: 'utf8', timeout: 30_000, windowsHide: true } as const;

/** Queries the active Python, e.g. that of a virtual environment, for the location of its PyTorch. */
export async function findPythonTorch(): Promise<PythonTorch> {
  const problems: string[] = [];
  for (const python of pythons) {
    try {
      const { stdout } = await promisify(execFile)(python, args, limits);
      return parseOutput(python, stdout);
    } catch (cause) {
      problems.push(describeFailure(python, cause));
    }
  }
  return noPython(problems);
}

/** Like `findPythonTorch`, but blocks. */
export function findPythonTorchSync(): PythonTorch {
  const problems: string[] = [];
  for (const python of pythons) {
    try {
      return parseOutput(python, execFileSync(python, args, { ...limits, stdio: 'pipe' }));
    } catch (cause) {
      problems.push(describeFailure(python, cause));
    }
  }
  return noPython(problems);
}

function noPython(problems: readonly string[]): PythonTorch {
  return { problem: problems.join('; ') };
}

function describeFailure(python: string, cause: unknown): string {
  if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return `${python} was not found`;
  const denied = deniedReason(cause);
  return denied === undefined ? `${python} failed` : `${python} was not run: ${denied}`;
}

function parseOutput(python: string, stdout: string): PythonTorch {
  const dir = stdout.trim();
  return dir === '' ? { problem: `${python} has no torch package` } : { dir };
}
