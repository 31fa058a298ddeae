import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isNotFound } from '#api/status-error.ts';
import { encodeYaml } from '#codec/yaml.ts';
import { applyPatch } from '../apply-patch.ts';
import { CliError, silentExit } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import type { ApiResource } from '../discovery.ts';
import { writeQuery } from '../dry-run.ts';
import { manifestsOf, type Target, targetOf } from '../find-objects.ts';
import { withoutLastApplied } from '../last-applied.ts';
import { FILE_FLAGS } from '../manifests.ts';
import { type AnyObject, asObject, recordAt } from '../object-access.ts';
import { withoutManagedFields } from '../printers/printer.ts';
import { pathOf } from '../resource-mapper.ts';
import { FIELD_MANAGER_FLAG, PRUNE_ALLOWLIST_FLAG, SELECTOR_FLAG } from '../selection-flags.ts';
import { failureOf } from '../error-text.ts';
import { findLeftOver, prunedResources } from './apply-prune.ts';

export const DIFF: Command = {
  name: 'diff',
  about: 'Diff the live version against a would-be applied version',
  usage: '-f FILENAME',
  flags: [
    ...FILE_FLAGS,
    FIELD_MANAGER_FLAG,
    PRUNE_ALLOWLIST_FLAG,
    SELECTOR_FLAG,
    { name: 'concurrency', kind: 'int', initial: '1', about: 'Accepted: objects are asked for one by one.' },
    {
      name: 'force-conflicts',
      kind: 'bool',
      about: 'With --server-side: take over fields that others manage.',
    },
    { name: 'prune', kind: 'bool', about: 'Show what pruning would delete as well.' },
    { name: 'server-side', kind: 'bool', about: 'Let the server merge.' },
    { name: 'show-managed-fields', kind: 'bool', about: 'Show managed fields too.' },
    { name: 'show-secrets', kind: 'bool', about: 'Do not hide the values of Secrets.' },
  ],
  run: diff,
};

/** 1 says that there are differences, so what goes wrong is 2. */
const FAILURE_CODE = 2;
/** As `diff` and those like it have it: more than this is trouble. */
const DIFFERENT_CODE = 1;

/** An object as it is and as it would be; undefined where there is none. */
interface Pair {
  readonly name: string;
  readonly live: AnyObject | undefined;
  readonly merged: AnyObject | undefined;
}

async function diff(invocation: Invocation): Promise<void> {
  const { session } = invocation;
  try {
    const code = await showDifferences(invocation);
    if (code !== 0) {
      throw silentExit(code);
    }
  } catch (error) {
    const isDifferent = error instanceof CliError && error.message === '';
    if (isDifferent) {
      throw error;
    }
    session.printError(failureOf(error, () => session.client.target.server).text);
    throw silentExit(FAILURE_CODE);
  }
}

async function showDifferences(invocation: Invocation): Promise<number> {
  const { session, flags, args, path } = invocation;
  if (args.length > 0) {
    throw new CliError(`Unexpected args: [${args.join(' ')}]\nSee '${path} -h' for help and examples`);
  }
  if (flags.list('filename').length === 0 && flags.text('kustomize') === '') {
    throw new CliError('must specify one of -f and -k');
  }
  const resources = flags.bool('prune') ? await prunedResources(invocation) : [];
  const pairs: Pair[] = [];
  for (const manifest of await manifestsOf(invocation)) {
    pairs.push(await pairOf(invocation, await targetOf(session, manifest)));
  }
  if (flags.bool('prune')) {
    const kept = pairs.flatMap(({ live, merged }) => live ?? merged ?? []);
    for (const target of await findLeftOver(invocation, resources, kept)) {
      pairs.push({ name: fileName(target.resource, target), live: target.object, merged: undefined });
    }
  }
  return compare(invocation, pairs);
}

async function pairOf(invocation: Invocation, target: Required<Target>): Promise<Pair> {
  const { session } = invocation;
  const path = pathOf(target.resource, target);
  const live = await session.client.request({ path }).then(asObject, (error: unknown) => {
    if (isNotFound(error)) {
      return undefined;
    }
    throw error;
  });
  return {
    name: fileName(target.resource, target),
    live,
    merged: await mergedObject(invocation, target, live),
  };
}

/** The object as the server would have it. */
async function mergedObject(
  { session, flags }: Invocation,
  { resource, namespace, name, manifest }: Required<Target>,
  live: AnyObject | undefined,
): Promise<AnyObject> {
  const path = pathOf(resource, { namespace, name });
  if (flags.bool('server-side')) {
    return asObject(
      await session.client.request({
        method: 'PATCH',
        path,
        query: {
          ...writeQuery(flags, 'server', 'kubectl'),
          force: String(flags.bool('force-conflicts')),
        },
        contentType: 'application/apply-patch+yaml',
        body: manifest,
      }),
    );
  }
  const query = writeQuery(flags, 'server', 'kubectl-client-side-apply');
  if (live === undefined) {
    return asObject(
      await session.client.request({
        method: 'POST',
        path: pathOf(resource, { namespace }),
        query,
        body: manifest,
      }),
    );
  }
  const { patch, contentType } = applyPatch(resource, live, withoutLastApplied(manifest));
  return Object.keys(patch).length === 0
    ? live
    : asObject(await session.client.request({ method: 'PATCH', path, query, contentType, body: patch }));
}

/** `apps.v1.Deployment.default.web` */
function fileName(
  { group, version, kind }: ApiResource,
  { namespace, name }: Pick<Target, 'namespace' | 'name'>,
): string {
  return `${group === '' ? '' : `${group}.`}${version}.${kind}.${namespace}.${name}`;
}

/** Writes both sides into directories and has them compared; the code is that of the program that does it. */
async function compare(invocation: Invocation, pairs: readonly Pair[]): Promise<number> {
  const { flags } = invocation;
  const directories = ['LIVE', 'MERGED'].map((name) => mkdtempSync(join(tmpdir(), `${name}-`)));
  const [from = '', to = ''] = directories;
  try {
    for (const { name, ...pair } of pairs) {
      // As upstream, which shows what pruning deletes with everything.
      const shown =
        flags.bool('show-managed-fields') || pair.merged === undefined
          ? pair
          : {
              live: pair.live && withoutManagedFields(pair.live),
              merged: pair.merged && withoutManagedFields(pair.merged),
            };
      const isSecret = (shown.live ?? shown.merged)?.kind === 'Secret' && !flags.bool('show-secrets');
      const { live, merged } = isSecret ? masked(shown) : shown;
      write(join(from, name), live);
      write(join(to, name), merged);
    }
    return await runDiff(invocation, from, to);
  } finally {
    for (const directory of directories) {
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

function write(path: string, object: AnyObject | undefined): void {
  mkdirSync(join(path, '..'), { recursive: true });
  // An object that is not there is an empty file.
  writeFileSync(path, object === undefined ? '' : encodeYaml(object));
}

const MASK = '***';

/** Values are hidden; one that differs says so. */
function masked({ live, merged }: Omit<Pair, 'name'>): Omit<Pair, 'name'> {
  const [before, after] = [recordAt(live, 'data'), recordAt(merged, 'data')];
  const isChanged = (key: string): boolean =>
    Object.hasOwn(before, key) && Object.hasOwn(after, key) && before[key] !== after[key];
  const hide = (object: AnyObject | undefined, suffix: string): AnyObject | undefined =>
    object?.['data'] === undefined
      ? object
      : {
          ...object,
          data: Object.fromEntries(
            Object.keys(recordAt(object, 'data')).map((key) => [
              key,
              isChanged(key) ? `${MASK} (${suffix})` : MASK,
            ]),
          ),
        };
  return { live: hide(live, 'before'), merged: hide(merged, 'after') };
}

/** Runs `diff`, or what `KUBECTL_EXTERNAL_DIFF` names. */
async function runDiff({ io, session }: Invocation, from: string, to: string): Promise<number> {
  const external = (io.env['KUBECTL_EXTERNAL_DIFF'] ?? '').split(' ').filter((word) => word !== '');
  const [program = 'diff', ...words] = external;
  const options =
    external.length === 0 ? ['-u', '-N'] : words.filter((word) => /^[a-zA-Z0-9-=]+$/.test(word));
  const child = spawn(program, [...options, from, to], { stdio: ['ignore', 'pipe', 'pipe'], env: io.env });
  child.stdout.on('data', (chunk: Buffer) => io.stdout.write(chunk));
  child.stderr.on('data', (chunk: Buffer) => io.stderr.write(chunk));
  try {
    const [code] = (await once(child, 'close', { signal: session.signal })) as [number | null];
    if (code === null || code > DIFFERENT_CODE) {
      throw new CliError(`failed to run ${JSON.stringify(program)}: exit status ${String(code ?? -1)}`);
    }
    return code;
  } catch (error) {
    throw error instanceof Error && 'code' in error && error.code === 'ENOENT'
      ? new CliError(`failed to run ${JSON.stringify(program)}: executable file not found in $PATH`)
      : error;
  }
}
