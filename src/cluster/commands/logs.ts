import { createReadStream, existsSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { DIRECTORY_OPTION, directoryOf, parseOptions } from './command-line.ts';

/** `coracle logs`: what a detached cluster program wrote. */
export async function logs(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, DIRECTORY_OPTION);
  const { log } = directoryOf(options['data-dir']);
  if (!existsSync(log)) {
    throw new Error(`there is no ${log}; only a cluster started with --detach writes one`);
  }
  await pipeline(createReadStream(log), process.stdout, { end: false });
  return 0;
}
