import { readFileSync } from 'node:fs';
import { RuntimeError, type LinuxContainerSecurityContext } from '../cri.ts';
import { resolveInRoot } from './rooted-path.ts';
import { isMissing } from './system-code.ts';

export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  readonly supplementalGroups: readonly number[];
  /** `/` when the image's `/etc/passwd` does not know the user. */
  readonly home: string;
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** The accounts that an image's files know. */
export interface AccountFiles {
  readonly passwd: string;
  readonly group: string;
}

export function readAccountFiles(root: string): AccountFiles {
  return { passwd: readInRoot(root, '/etc/passwd'), group: readInRoot(root, '/etc/group') };
}

/**
 * Who the container's process runs as: the pod's word first, then the image's `USER`
 * (`name`, `uid`, and either with `:group` or `:gid`), else root.
 *
 * @throws {RuntimeError} `invalid-argument` for a name that the image does not know
 */
export function resolveUser(
  context: LinuxContainerSecurityContext,
  imageUser: string,
  files: AccountFiles,
): ResolvedUser {
  const passwd = parsePasswd(files.passwd);
  const groups = parseGroup(files.group);
  const isChosen = context.runAsUser !== undefined || (context.runAsUsername ?? '') !== '';
  const [user = '', group = ''] = isChosen
    ? [String(context.runAsUser ?? context.runAsUsername)]
    : imageUser.split(':');
  const wanted = user === '' ? '0' : user;
  const entry = /^\d+$/.test(wanted)
    ? passwd.find(({ uid }) => uid === Number(wanted))
    : passwd.find(({ name }) => name === wanted);
  if (entry === undefined && !/^\d+$/.test(wanted)) {
    throw new RuntimeError(
      'invalid-argument',
      `unable to find user ${wanted}: no matching entries in passwd file`,
    );
  }
  const gid = context.runAsGroup ?? (group === '' ? (entry?.gid ?? 0) : findGroup(groups, group));
  // The primary group is listed too: a file that its group must not read is then refused to all who share it.
  const supplemental = new Set([gid, ...(context.supplementalGroups ?? [])]);
  if (context.supplementalGroupsPolicy !== 'Strict' && entry !== undefined) {
    for (const { gid: memberOf, members } of groups) {
      if (members.includes(entry.name)) {
        supplemental.add(memberOf);
      }
    }
  }
  return {
    uid: entry?.uid ?? Number(wanted),
    gid,
    supplementalGroups: [...supplemental],
    home: entry?.home ?? '/',
  };
}

function findGroup(groups: readonly GroupEntry[], wanted: string): number {
  if (/^\d+$/.test(wanted)) {
    return Number(wanted);
  }
  const found = groups.find(({ name }) => name === wanted);
  if (found === undefined) {
    throw new RuntimeError(
      'invalid-argument',
      `unable to find group ${wanted}: no matching entries in group file`,
    );
  }
  return found.gid;
}

function parsePasswd(text: string): PasswdEntry[] {
  return rows(text).flatMap(([name = '', , uid = '', gid = '', , home = '']) =>
    /^\d+$/.test(uid) && /^\d+$/.test(gid)
      ? [{ name, uid: Number(uid), gid: Number(gid), home: home === '' ? '/' : home }]
      : [],
  );
}

function parseGroup(text: string): GroupEntry[] {
  return rows(text).flatMap(([name = '', , gid = '', members = '']) =>
    /^\d+$/.test(gid) ? [{ name, gid: Number(gid), members: members.split(',') }] : [],
  );
}

function rows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));
}

function readInRoot(root: string, path: string): string {
  try {
    return readFileSync(resolveInRoot(root, path), 'utf8');
  } catch (error) {
    if (isMissing(error)) {
      return '';
    }
    throw error;
  }
}
