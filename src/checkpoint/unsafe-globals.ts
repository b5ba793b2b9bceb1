/**
 * Which globals of a pickle are refused.
 *
 * This package cannot run a pickle's code: a global is only a name, and a call of an unknown one makes an
 * `InertObject`. The list therefore does not protect this process, and need not be complete. It makes an
 * attack visible: no training script stores these next to its weights, so a file that names them was made
 * to attack whoever loads it in Python.
 */

/** Modules that reach the system, load code or files, or resolve names, with everything in them. */
const unsafeModules = new Set([
  ...[
    '_ctypes',
    '_operator',
    '_pickle',
    '_posixsubprocess',
    '_socket',
    '_thread',
    'asyncio',
    'atexit',
  ],
  ...[
    'bdb',
    'cProfile',
    'cffi',
    'cloudpickle',
    'codeop',
    'ctypes',
    'dill',
    'ftplib',
    'gc',
    'httplib',
  ],
  ...[
    'importlib',
    'inspect',
    'linecache',
    'marshal',
    'multiprocessing',
    'nt',
    'operator',
    'os',
    'pdb',
  ],
  ...[
    'pickle',
    'pip',
    'pkgutil',
    'posix',
    'pty',
    'pydoc',
    'runpy',
    'setuptools',
    'shelve',
    'shutil',
  ],
  ...['smtplib', 'socket', 'ssl', 'subprocess', 'sys', 'tempfile', 'threading', 'timeit', 'urllib'],
  ...['urllib2', 'webbrowser', 'zipimport'],
]);

/** Further modules and functions, with everything in them. */
const unsafePrefixes = [
  ...['_io.FileIO', '_io.open', 'io.FileIO', 'io.open'],
  ...['code.InteractiveConsole', 'code.InteractiveInterpreter', 'code.interact'],
  ...['commands.getoutput', 'commands.getstatusoutput', 'http.client', 'http.server'],
  ...[
    'numpy.f2py',
    'numpy.load',
    'numpy.testing',
    'profile.Profile',
    'profile.run',
    'requests.api',
  ],
  ...['requests.get', 'requests.post', 'torch._dynamo.guards', 'torch._inductor'],
  ...['torch.distributed.rpc', 'torch.fx.experimental', 'torch.fx.graph_module', 'torch.hub'],
  ...['torch.jit', 'torch.load', 'torch.package', 'torch.serialization.load'],
  ...['torch.utils._config_module', 'torch.utils.bottleneck', 'torch.utils.collect_env'],
  ...['torch.utils.cpp_extension', 'trace.Trace', 'types.CodeType', 'types.FunctionType'],
  'types.LambdaType',
];

/** A pickle of protocol 4 may reach a module through another one that imports it: `torch.serialization.os`. */
const unsafeSegments = new Set(['os', 'posix', 'nt', 'sys', 'subprocess', 'shutil', 'builtins']);
const unsafeFunctions = new Set(['eval', 'exec', 'execfile', 'popen', 'system']);

/** The built-in types of data; all other built-ins are refused, except exceptions. */
const builtinTypes = new Set([
  ...[
    'bool',
    'bytearray',
    'bytes',
    'complex',
    'dict',
    'ellipsis',
    'float',
    'frozenset',
    'int',
    'list',
  ],
  ...['long', 'NoneType', 'object', 'range', 'set', 'slice', 'str', 'tuple', 'type', 'unicode'],
  ...['xrange', 'Ellipsis', 'NotImplemented'],
]);

const isDottedName = /^[\p{L}_][\p{L}\p{N}_]*(\.[\p{L}_][\p{L}\p{N}_]*)*$/u;

/** The name in Python 3 of a global that protocol 2 writes for Python 2. */
export function modernName(module: string, name: string): string {
  if (module === '__builtin__') return `builtins.${name}`;
  if (module === 'copy_reg') return `copyreg.${name}`;
  return `${module}.${name}`;
}

/** Whether a file that refers to this global is refused. */
export function isUnsafeGlobal(name: string): boolean {
  if (!isDottedName.test(name)) return true;
  const segments = name.split('.');
  const [module, ...path] = segments;
  if (module === 'builtins') {
    const [type, ...more] = path;
    const isData = builtinTypes.has(type!) || /(Error|Exception|Warning)$/.test(type!);
    return more.length > 0 || !isData;
  }
  return (
    unsafeModules.has(module!) ||
    unsafePrefixes.some((prefix) => name === prefix || name.startsWith(`${prefix}.`)) ||
    path.some((segment) => unsafeSegments.has(segment)) ||
    unsafeFunctions.has(path.at(-1)!) ||
    // `__main__` holds the classes of the training script; `copyreg.__newobj__` makes an object.
    segments.some(
      (segment, i) =>
        segment.startsWith('__') &&
        !(i === 0 && (segment === '__main__' || segment === '__mp_main__')) &&
        !name.startsWith('copyreg.'),
    )
  );
}
