import { readFileSync } from 'node:fs';

/** The groups of macOS whose members may become root anyway: wheel and admin. */
const macAdministrators = [0, 80];

/**
 * Whether what a group may write, only this user and root can write. So it is for root's group, which is that of
 * OpenShift's users too, and for the user-private groups of Debian and Fedora, whose umask of 002 lets the group
 * write everything. A group that no account of this system has, such as the `fsGroup` of a Kubernetes volume, is
 * private too, unless accounts come from elsewhere (LDAP).
 */
export function isPrivateGroup(gid: number): boolean {
  if (process.platform === 'darwin') return macAdministrators.includes(gid);
  if (gid === 0) return true;
  const uid = process.geteuid!();
  if (gid !== process.getegid!() && !process.getgroups!().includes(gid)) return false;
  const accounts = records('/etc/passwd');
  const isOwn = ([, , id]: readonly string[]) => Number(id) === uid || Number(id) === 0;
  const ownNames = accounts.filter(isOwn).map(([name]) => name);
  if (accounts.some((account) => !isOwn(account) && Number(account[3]) === gid)) return false;
  const group = records('/etc/group').filter((fields) => Number(fields[2]) === gid);
  const members = group.flatMap((fields) => fields[3]?.split(',').filter(Boolean) ?? []);
  if (members.some((name) => !ownNames.includes(name))) return false;
  return group.length > 0 || gid === uid || !hasOtherSources();
}

/** Whether the system asks more than its own files for accounts. */
function hasOtherSources(): boolean {
  const local = ['files', 'compat', 'systemd', 'altfiles', 'extrausers', 'db'];
  return readLines('/etc/nsswitch.conf')
    .map((line) => /^\s*(?:passwd|group|initgroups):([^#]*)/.exec(line)?.[1] ?? '')
    .flatMap((sources) =>
      sources
        .replaceAll(/\[[^\]]*\]/g, ' ')
        .trim()
        .split(/\s+/),
    )
    .some((source) => source !== '' && !local.includes(source));
}

/** The fields of a table such as `/etc/passwd`. */
function records(file: string): string[][] {
  return readLines(file)
    .filter((line) => line.includes(':'))
    .map((line) => line.split(':'));
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}
