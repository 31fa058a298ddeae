import type { KubectlIo, TerminalInput, TerminalOutput } from '../command.ts';

interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** Gives every key to the other side, control characters included; returns what ends that. */
export function enterRawMode(stdin: TerminalInput): () => void {
  stdin.setRawMode?.(true);
  return () => stdin.setRawMode?.(false);
}

/** Tells the terminal's size now and at each change; returns what stops that. */
export function followSize(stdout: TerminalOutput, tell: (size: TerminalSize) => void): () => void {
  const report = (): void => {
    if (stdout.columns !== undefined && stdout.rows !== undefined) {
      tell({ width: stdout.columns, height: stdout.rows });
    }
  };
  report();
  stdout.on('resize', report);
  return () => stdout.off('resize', report);
}

/** Whether a terminal can be used; says so when one was asked for and there is none. */
export function usesTerminal(
  io: KubectlIo,
  {
    wantsTty,
    wantsStdin,
    isQuiet = false,
  }: { readonly wantsTty: boolean; readonly wantsStdin: boolean; readonly isQuiet?: boolean },
): boolean {
  if (!wantsTty || !wantsStdin) {
    return false;
  }
  if (io.stdin.isTTY === true) {
    return true;
  }
  if (!isQuiet) {
    io.stderr.write('Unable to use a TTY - input is not a terminal or the right kind of file\n');
  }
  return false;
}
