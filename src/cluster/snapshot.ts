import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Random } from '#base/random.ts';
import type { StoreState } from '#store/sequenced-store.ts';
import { isRunning, type DataDirectory } from './data-directory.ts';

/** A snapshot that cannot be taken or used; the message says what to do. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
  readonly code = 'cluster/snapshot';
}

/** What a cluster is made of beside its store: settings, keys, and the time of a clock that is not the machine's. */
const PARTS = ['cluster.json', 'clock.json', 'pki'] as const;
/** Made anew by the next start, with the right address in them. */
const MADE_BY_START: ReadonlySet<string> = new Set(['coracle.log']);

/**
 * Copies a cluster, running or not, into the new directory `target`: its settings, its keys, and its store as it is
 * at one moment. A snapshot is a data directory; a cluster can be started in it. Containers and images stay behind.
 *
 * @throws {SnapshotError}  there is no cluster, or `target` holds something
 * @throws {StoreOpenError} the store is of another version or damaged
 */
export async function saveSnapshot(cluster: DataDirectory, target: DataDirectory): Promise<void> {
  if (cluster.readSettings() === undefined) {
    throw new SnapshotError(`there is no cluster in ${cluster.path}; choose another --data-dir`);
  }
  if (!existsSync(cluster.store)) {
    throw new SnapshotError(
      `the cluster in ${cluster.path} keeps its state in an etcd of its own; take a snapshot of that`,
    );
  }
  assertEmpty(target);
  // Made beside and then moved, so that what is cut short is never taken for a snapshot.
  const unfinished = `${target.path}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true, mode: 0o700 });
  try {
    // LMDB is loaded only by what needs it.
    const { copyStore } = await import('#store/lmdb-image.ts');
    await copyStore(cluster.store, join(unfinished, 'store'));
    for (const part of PARTS.filter((name) => existsSync(join(cluster.path, name)))) {
      cpSync(join(cluster.path, part), join(unfinished, part), { recursive: true });
    }
    rmSync(target.path, { recursive: true, force: true });
    renameSync(unfinished, target.path);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Puts the cluster of a snapshot into a data directory.
 *
 * @param mayReplace what the directory holds is given up
 * @throws {SnapshotError} a cluster runs in it, or it holds something that may not be replaced
 */
export async function restoreSnapshot(
  snapshot: DataDirectory,
  cluster: DataDirectory,
  { mayReplace }: { readonly mayReplace: boolean },
): Promise<void> {
  if (isRunning(cluster.readRun())) {
    throw new SnapshotError(`the cluster in ${cluster.path} runs; stop it first with "coracle down"`);
  }
  if (!mayReplace) {
    assertEmpty(cluster);
    await saveSnapshot(snapshot, cluster);
    return;
  }
  const replaced = `${cluster.path}.replaced`;
  rmSync(replaced, { recursive: true, force: true });
  mkdirSync(dirname(cluster.path), { recursive: true });
  const hasOld = existsSync(cluster.path);
  if (hasOld) {
    renameSync(cluster.path, replaced);
  }
  try {
    await saveSnapshot(snapshot, cluster);
  } catch (error) {
    if (hasOld) {
      renameSync(replaced, cluster.path);
    }
    throw error;
  }
  rmSync(replaced, { recursive: true, force: true });
}

/**
 * As {@link saveSnapshot}, but the copy is a cluster of its own, with a name and a port of its own, that can run
 * beside the first.
 */
export async function forkCluster(
  cluster: DataDirectory,
  target: DataDirectory,
  random: Random,
): Promise<void> {
  await saveSnapshot(cluster, target);
  const settings = target.readSettings();
  const own = { ...settings, instanceId: Buffer.from(random.bytes(3)).toString('hex'), port: 0 };
  writeFileSync(join(target.path, 'cluster.json'), `${JSON.stringify(own, undefined, 2)}\n`, { mode: 0o600 });
}

/**
 * Puts the keys of an etcd snapshot of ours, as `etcdctl snapshot save` writes it, into the store of a data directory
 * that nothing runs in. What the cluster is besides its keys stays as it is.
 *
 * @throws {SnapshotError}     it runs, or has a store that may not be replaced
 * @throws {SnapshotFileError} the file is no such snapshot, or not whole
 */
export async function restoreKeys(
  path: string,
  cluster: DataDirectory,
  { mayReplace, nowMs }: { readonly mayReplace: boolean; readonly nowMs: number },
): Promise<void> {
  if (isRunning(cluster.readRun())) {
    throw new SnapshotError(`the cluster in ${cluster.path} runs; stop it first with "coracle down"`);
  }
  if (existsSync(cluster.store) && !mayReplace) {
    throw new SnapshotError(`${cluster.store} holds a store; give it up with --force`);
  }
  const { readSnapshot } = await import('#store/etcd/read-snapshot.ts');
  await replaceStore(cluster, readSnapshot(readFileSync(path), nowMs));
}

/** Writes a store beside the one that is there, and then puts it in its place. */
export async function replaceStore(cluster: DataDirectory, state: StoreState): Promise<void> {
  const { writeImage } = await import('#store/lmdb-image.ts');
  const written = `${cluster.store}.new`;
  rmSync(written, { recursive: true, force: true });
  await writeImage(state, written);
  rmSync(cluster.store, { recursive: true, force: true });
  renameSync(written, cluster.store);
}

function assertEmpty(directory: DataDirectory): void {
  if (!existsSync(directory.path)) {
    return;
  }
  const [stranger] = readdirSync(directory.path).filter((name) => !MADE_BY_START.has(name));
  if (stranger !== undefined) {
    throw new SnapshotError(`${directory.path} is not empty, it holds ${stranger}; choose a new directory`);
  }
}
