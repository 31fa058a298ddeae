import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { SystemClock } from '#base/clock.ts';
import { SystemRandom } from '#base/random.ts';
import { isRunning, DataDirectory } from '../data-directory.ts';
import { forkCluster, restoreKeys, restoreSnapshot, saveSnapshot, SnapshotError } from '../snapshot.ts';
import { saveRunning } from '../virtual/control-client.ts';
import { DIRECTORY_OPTION, directoryOf, parseWords, UsageError } from './command-line.ts';

const OPTIONS = { ...DIRECTORY_OPTION, force: { type: 'boolean', default: false } } as const;

const HELP = `Usage: coracle snapshot save|restore|fork DIR [options]

  save DIR     copy the cluster, running or not, into the new directory DIR
  restore DIR  put the cluster saved in DIR into the data directory; for a file that etcdctl saved from Coracle, its keys
  fork DIR     copy the cluster into DIR as one of its own: start it with "coracle up --data-dir DIR"

  --data-dir DIR  the cluster's data directory (default ~/.coracle)
  --force         restore: give up what the data directory holds
`;

/** `coracle snapshot`. */
export async function snapshot(args: readonly string[]): Promise<number> {
  const { values, words } = parseWords(args, OPTIONS);
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const [verb, path, ...others] = words;
  if (verb === undefined || path === undefined || others.length > 0) {
    throw new UsageError('say what to do and one directory: coracle snapshot save|restore|fork DIR');
  }
  const cluster = directoryOf(values['data-dir']);
  const target = new DataDirectory(resolve(path));
  switch (verb) {
    case 'save':
      await settle(cluster);
      await saveSnapshot(cluster, target);
      process.stdout.write(`Saved in ${target.path}\n`);
      return 0;
    case 'restore':
      await restore(target, cluster, values.force);
      process.stdout.write(`Restored; "coracle up" starts the cluster in ${cluster.path}\n`);
      return 0;
    case 'fork':
      await settle(cluster);
      await forkCluster(cluster, target, new SystemRandom());
      process.stdout.write(`Forked; "coracle up --data-dir ${target.path}" starts it\n`);
      return 0;
    default:
      throw new UsageError(`there is no "snapshot ${verb}"; it is save, restore or fork`);
  }
}

/** A directory is a whole cluster; a file holds the keys of a store. */
async function restore(target: DataDirectory, cluster: DataDirectory, mayReplace: boolean): Promise<void> {
  if (statSync(target.path, { throwIfNoEntry: false })?.isFile() === true) {
    await restoreKeys(target.path, cluster, { mayReplace, nowMs: new SystemClock().nowMs() });
  } else {
    await restoreSnapshot(target, cluster, { mayReplace });
  }
}

/** A cluster that lives in memory writes itself down first. */
async function settle(cluster: DataDirectory): Promise<void> {
  const state = cluster.readRun();
  if (!isRunning(state) || state.clock !== 'virtual') {
    return;
  }
  if (state.control === undefined) {
    throw new SnapshotError(
      `the cluster in ${cluster.path} lives in memory: stop it first, or start it with --control-port`,
    );
  }
  await saveRunning(cluster, state.control);
}
