import { PermissionError } from './errors';

/** An operation that Node's permission model denied. */
interface DeniedOperation {
  /** Ends with a comma or a colon and what to do, without a final period. */
  readonly reason: string;
  /** The flag that allows the operation, with the path if it is known. */
  readonly flag: string;
}

/** The flags of Node, by the permission that an error names. */
const flags: Readonly<Record<string, string>> = {
  FileSystemRead: '--allow-fs-read',
  FileSystemWrite: '--allow-fs-write',
  WorkerThreads: '--allow-worker',
  ChildProcess: '--allow-child-process',
  Net: '--allow-net',
};

/** The operation whose denial an error reports; undefined for other errors. */
function deniedOperation(cause: unknown): DeniedOperation | undefined {
  const { code, permission, resource } = readFields(cause);
  if (code === 'ERR_DLOPEN_DISABLED') {
    const isModel = process.permission !== undefined;
    return isModel
      ? { reason: "Node's permission model does not allow addons", flag: '--allow-addons' }
      : { reason: 'the flag --no-addons of Node does not allow addons', flag: 'addons' };
  }
  if (code !== 'ERR_ACCESS_DENIED') return undefined;
  const flag = flags[String(permission)] ?? `the permission ${String(permission)}`;
  const path = typeof resource === 'string' && resource !== '' ? resource.slice(0, 200) : undefined;
  const isFile = String(permission).startsWith('FileSystem');
  const where = isFile && path !== undefined ? ` (${path})` : '';
  return {
    reason: `Node's permission model does not allow ${String(permission)}${where}`,
    flag: isFile && path !== undefined ? `${flag}=${path}` : flag,
  };
}

/** The fields of an error, none if they cannot be read: a function of the caller may throw any value. */
function readFields(cause: unknown): Record<string, unknown> {
  try {
    const { code, permission, resource } = (cause ?? {}) as Record<string, unknown>;
    return { code, permission, resource };
  } catch {
    return {};
  }
}

/** The reason and the flag to start Node with, as a clause; undefined if Node's permission model is not the cause. */
export function deniedReason(cause: unknown): string | undefined {
  const denied = deniedOperation(cause);
  if (!denied) return undefined;
  return `${denied.reason}; ${remedyOf(denied)}`;
}

/** The error for what Node's permission model denied; undefined for other causes. */
export function permissionError(what: string, cause: unknown): PermissionError | undefined {
  const denied = deniedOperation(cause);
  if (!denied) return undefined;
  const remedy = remedyOf(denied);
  return new PermissionError('ERR_SEMISUP_PERMISSION', {
    what: `${what}: ${denied.reason}.`,
    remedy: `${remedy[0]!.toUpperCase()}${remedy.slice(1)}: docs/platforms.md lists the flags.`,
    value: denied.flag,
    cause,
  });
}

function remedyOf({ flag }: DeniedOperation): string {
  return flag === 'addons' ? 'start Node without it' : `start Node with ${flag}`;
}
