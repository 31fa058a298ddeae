import type { Problems } from './problems.ts';

/** A path below something else: relative, and never climbing out. */
export function checkDescendingPath(problems: Problems, path: string, target: string): void {
  if (target.startsWith('/')) {
    problems.invalid(path, target, 'must be a relative path');
  }
  checkNoBacksteps(problems, path, target);
}

export function checkNoBacksteps(problems: Problems, path: string, target: string): void {
  if (target.split('/').includes('..')) {
    problems.invalid(path, target, "must not contain '..'");
  }
}

/** A file in a volume that the kubelet writes; names with two dots in front are its own. */
export function checkVolumeFilePath(problems: Problems, path: string, target: string | undefined): void {
  if (target === undefined || target === '') {
    problems.required(path);
    return;
  }
  checkDescendingPath(problems, path, target);
  if (target.startsWith('..') && !target.startsWith('../')) {
    problems.invalid(path, target, "must not start with '..'");
  }
}

const MODE_MAX = 0o777;

export function checkFileMode(problems: Problems, path: string, mode: number | undefined): void {
  if (mode !== undefined && (mode < 0 || mode > MODE_MAX)) {
    problems.invalid(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive');
  }
}
