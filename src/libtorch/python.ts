import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';

/** The folder of the active Python's `torch` package, or why there is none. */
export type PythonTorch = { readonly dir: string } | { readonly problem: string };

/** The names that Python goes by, likeliest first. */
export const pythons: readonly string[] =
  process.platform === 'win32' ? ['python', 'py'] : ['python3', 'python'];

// Finds the package without importing it, which would take seconds.
const script = `
import importlib.util
spec = importlib.util.find_spec('torch')
print(spec.submodule_search_locations[0] if spec else '')
`;
const args = ['-c', script];
const limits = { encoding: 'utf8', timeout: 30_000, windowsHide: true } as const;

/** Asks the active Python, e.g. that of a virtual environment, where its PyTorch is. */
export async function findPythonTorch(): Promise<PythonTorch> {
  const problems: string[] = [];
  for (const python of pythons) {
    try {
      const { stdout } = await promisify(execFile)(python, args, limits);
      return answer(python, stdout);
    } catch (cause) {
      problems.push(failure(python, cause));
    }
  }
  return noPython(problems);
}

/** Like `findPythonTorch`, but blocks. */
export function findPythonTorchSync(): PythonTorch {
  const problems: string[] = [];
  for (const python of pythons) {
    try {
      return answer(python, execFileSync(python, args, { ...limits, stdio: 'pipe' }));
    } catch (cause) {
      problems.push(failure(python, cause));
    }
  }
  return noPython(problems);
}

function noPython(problems: readonly string[]): PythonTorch {
  return { problem: problems.join('; ') };
}

function failure(python: string, cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code === 'ENOENT'
    ? `there is no ${python}`
    : `${python} failed`;
}

function answer(python: string, stdout: string): PythonTorch {
  const dir = stdout.trim();
  return dir === '' ? { problem: `${python} has no package torch` } : { dir };
}
