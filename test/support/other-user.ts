import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root, typescript } from './run-node';

/** A user without an entry in the password database, as OpenShift assigns them. */
export const uid = 987_654;

/** Why programs cannot be run as another user here, or undefined. `paths` must be readable. */
export function reasonAgainstOtherUser(paths: readonly string[] = []): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can run a process as another user';
  const { status } = spawnSync('ls', [join(root, 'src'), ...paths], { uid, gid: uid });
  return status === 0
    ? undefined
    : `other users cannot read ${['this directory', ...paths].join(' or ')}`;
}

/** Runs a TypeScript program, which may import from `./src`, as another user with only these variables. */
export function runAsOtherUser(program: string, env: NodeJS.ProcessEnv) {
  const { PATH } = process.env;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--require', typescript, '--eval', program],
    { cwd: root, uid, gid: uid, env: { PATH, ...env }, encoding: 'utf8' },
  );
  return { status, stdout: stdout.trim(), stderr };
}
