import { isNotFound } from '#api/status-error.ts';
import { CliError } from './cli-error.ts';
import { type DryRun, dryRunSuffix } from './dry-run.ts';
import type { Target } from './find-objects.ts';
import type { Flag, FlagValues } from './flags.ts';
import { asObject, listAt, textAt } from './object-access.ts';
import { pathOf, qualifiedKind } from './resource-mapper.ts';
import type { Query } from './rest-client.ts';
import type { Session } from './session.ts';

export const CASCADE_FLAG: Flag = {
  name: 'cascade',
  kind: 'text',
  alone: 'background',
  initial: 'background',
  about: 'background, orphan or foreground: what becomes of the dependents.',
};

const CASCADES: Readonly<Record<string, string>> = {
  true: 'Background',
  background: 'Background',
  foreground: 'Foreground',
  orphan: 'Orphan',
  false: 'Orphan',
};

/** The propagation policy that `--cascade` asks for. */
export function cascadeOf(flags: FlagValues): string {
  const policy = CASCADES[flags.text('cascade')];
  if (policy === undefined) {
    throw new CliError(
      `invalid cascade value (${flags.text('cascade')}). Must be "background", "foreground", or "orphan"`,
    );
  }
  return policy;
}

/** The line that says that an object was deleted, in the form that `-o` asks for. */
export function deletedText(
  flags: FlagValues,
  { resource, namespace, name }: Target,
  dryRun: DryRun,
  operation = flags.bool('force') ? 'force deleted' : 'deleted',
): string {
  const kind = qualifiedKind(resource.group, resource.kind);
  if (flags.text('output') === 'name') {
    return `${kind}/${name}\n`;
  }
  const where = namespace === '' ? '' : ` from ${namespace} namespace`;
  return `${kind} ${JSON.stringify(name)} ${operation}${where}${dryRunSuffix(dryRun)}\n`;
}

export interface DeleteRequest {
  readonly query: Query;
  /** DeleteOptions. */
  readonly body: object;
}

/** Asks for the deletion of an object; returns the uid of what is going, empty when the server did not say. */
export async function deleteObject(
  session: Session,
  { resource, namespace, name }: Target,
  { query, body }: DeleteRequest,
): Promise<string> {
  const answer = await session.client.request({
    method: 'DELETE',
    path: pathOf(resource, { namespace, name }),
    query,
    body: { apiVersion: 'v1', kind: 'DeleteOptions', ...body },
  });
  return textAt(answer, 'kind') === 'Status'
    ? textAt(answer, 'details', 'uid')
    : asObject(answer).metadata.uid;
}

/** As {@link deleteObject}, and waits until the object is gone. */
export async function deleteAndWait(session: Session, target: Target, request: DeleteRequest): Promise<void> {
  const uid = await deleteObject(session, target, request);
  await waitUntilGone(session, target, uid, session.signal);
}

/** Ends when no object with the name and the uid is there any more; another of the same name counts as gone. */
export async function waitUntilGone(
  session: Session,
  { resource, namespace, name }: Target,
  uid: string,
  signal: AbortSignal,
): Promise<void> {
  const fieldSelector = `metadata.name=${name}`;
  while (!signal.aborted) {
    let list: unknown;
    try {
      list = await session.client.request(
        { path: pathOf(resource, { namespace }), query: { fieldSelector } },
        signal,
      );
    } catch (error) {
      // The resource itself may go with its definition.
      if (isNotFound(error)) {
        return;
      }
      throw error;
    }
    const found = listAt(list, 'items').find((item) => uid === '' || textAt(item, 'metadata', 'uid') === uid);
    if (found === undefined) {
      return;
    }
    const ending = new AbortController();
    const watch = session.client.watch(
      {
        path: pathOf(resource, { namespace }),
        query: { fieldSelector, resourceVersion: textAt(list, 'metadata', 'resourceVersion') },
      },
      AbortSignal.any([signal, ending.signal]),
    );
    for await (const { type } of watch) {
      if (type === 'DELETED') {
        ending.abort();
        return;
      }
    }
  }
}
