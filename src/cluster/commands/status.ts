import { isRunning } from '../data-directory.ts';
import { DIRECTORY_OPTION, directoryOf, parseOptions } from './command-line.ts';

/** `coracle status`: exit code 0 while the cluster runs, 3 when it does not. */
export function status(args: readonly string[]): number {
  const options = parseOptions(args, DIRECTORY_OPTION);
  const directory = directoryOf(options['data-dir']);
  const state = directory.readRun();
  if (!isRunning(state)) {
    const settings = directory.readSettings();
    process.stdout.write(
      settings === undefined
        ? `No cluster in ${directory.path}; "coracle up" makes one.\n`
        : `Stopped. "coracle up" starts the cluster in ${directory.path} again.\n`,
    );
    return 3;
  }
  process.stdout.write(
    `Running as process ${state.pid}\n  server      ${state.server}\n  kubeconfig  ${state.kubeconfig}\n  nodes       ${state.nodes}\n  data        ${directory.path}\n`,
  );
  return 0;
}
