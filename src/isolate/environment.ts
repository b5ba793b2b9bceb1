/** The variables that a child process needs: those of the system, the caches, LibTorch and CUDA. */
const names = [
  ...['HOME', 'USERPROFILE', 'LOCALAPPDATA', 'APPDATA', 'XDG_CACHE_HOME'],
  ...['TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'windir', 'LANG', 'LC_ALL', 'TZ'],
  ...['LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH', 'DYLD_FALLBACK_LIBRARY_PATH'],
  ...['SEMISUP_PREBUILD', 'SEMISUP_CPU', 'PREBUILDS_ONLY', 'UV_THREADPOOL_SIZE'],
];

/** Variables of OpenMP, oneDNN, MKL, LibTorch and CUDA. */
const prefixes = ['OMP_', 'GOMP_', 'KMP_', 'ONEDNN_', 'DNNL_', 'MKL_', 'ATEN_', 'CUDA_', 'NVIDIA_'];

/** Windows needs its own in PATH to find system libraries; elsewhere nothing is looked up there. */
const windowsNames = ['PATH', 'Path', 'ProgramData', 'ProgramFiles'];

/**
 * The environment of a child process: what it needs of this one's, and no other variables, which may be secrets.
 *
 * @param libtorch the directory of the LibTorch that it opens: that of this process
 */
export function childEnvironment(libtorch: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { SEMISUP_LIBTORCH: libtorch };
  for (const [name, value] of Object.entries(process.env)) {
    const isNeeded =
      names.includes(name) ||
      prefixes.some((prefix) => name.startsWith(prefix)) ||
      (process.platform === 'win32' && windowsNames.includes(name));
    if (isNeeded) env[name] = value;
  }
  // Electron's executable would otherwise start the application once more.
  if (process.versions.electron !== undefined) env.ELECTRON_RUN_AS_NODE = '1';
  return env;
}

/** The executable of Node, or of Electron, which runs as Node. */
export function nodeExecutable(): string {
  // On macOS the executable of Electron's main process would show an icon in the Dock.
  const { helperExecPath } = process as { helperExecPath?: string };
  return helperExecPath ?? process.execPath;
}

/**
 * The flags of Node for a child process. Those of this process are not passed on: it may be debugged, or load modules
 * that are not meant for others.
 *
 * @param entry the program
 * @param heap the limit of the JavaScript heap, in bytes
 */
export function childFlags(entry: string, heap: number): string[] {
  return [
    `--max-old-space-size=${Math.max(16, Math.floor(heap / 2 ** 20))}`,
    // Yarn's Plug'n'Play finds packages with a module that must be loaded first.
    ...(process.versions.pnp === undefined ? [] : ['--require', require.resolve('pnpapi')]),
    // A clone runs its sources without compiling them.
    ...(entry.endsWith('.ts') ? ['--require', 'tsx'] : []),
  ];
}
