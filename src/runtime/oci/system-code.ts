/** The errno's name that Node's file and process errors carry, and ours; undefined for anything else. */
export function systemCode(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  return undefined;
}

/** True for an error that says a file, or a part of its path, is not there (any more). */
export function isMissing(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOENT' || code === 'ENODEV' || code === 'ENOTDIR';
}
