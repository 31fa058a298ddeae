/** What the user asked for cannot be done. Printed as `error: MESSAGE`, unless `isVerbatim`. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code = 'cli/refused';
  readonly exitCode: number;
  /** The message goes out as it stands; an empty one prints nothing. */
  readonly isVerbatim: boolean;

  constructor(message: string, options: { readonly exitCode?: number; readonly isVerbatim?: boolean } = {}) {
    super(message);
    this.exitCode = options.exitCode ?? 1;
    this.isVerbatim = options.isVerbatim ?? false;
  }
}

/** Ends the program with a code and no further word. */
export function silentExit(exitCode: number): CliError {
  return new CliError('', { exitCode, isVerbatim: true });
}
