import { CliError } from '../cli-error.ts';
import type { Invocation } from '../command.ts';
import type { ApiResource } from '../discovery.ts';
import { type DryRun, dryRunSuffix } from '../dry-run.ts';
import { type FoundObject, listObjects } from '../find-objects.ts';
import { lastAppliedOf } from '../last-applied.ts';
import { type AnyObject, textAt } from '../object-access.ts';
import { nameOf } from '../printers/printer.ts';
import { pathOf } from '../resource-mapper.ts';

/** The kinds that are pruned, those within a namespace first. */
const PRUNED = [
  'configmaps',
  'endpoints',
  'persistentvolumeclaims',
  'pods',
  'replicationcontrollers',
  'secrets',
  'services',
  'jobs.batch',
  'cronjobs.batch',
  'ingresses.networking.k8s.io',
  'daemonsets.apps',
  'deployments.apps',
  'replicasets.apps',
  'statefulsets.apps',
  'namespaces',
  'persistentvolumes',
];

/** The kinds that `--prune-allowlist` names, or the usual ones. @throws {CliError} for a kind that is not there */
export async function prunedResources({ session, flags }: Invocation): Promise<readonly ApiResource[]> {
  const mapper = await session.mapper();
  const given = flags.list('prune-allowlist');
  if (given.length === 0) {
    return PRUNED.flatMap((name) => mapper.find(name) ?? []);
  }
  return given.map((text) => {
    const [group = '', version = '', kind = '', ...more] = text.split('/');
    if (kind === '' || more.length > 0) {
      throw new CliError(`invalid GroupVersionKind format: ${text}, please follow <group/version/kind>`);
    }
    const found = mapper.ofKind({ group: group === 'core' ? '' : group, version, kind });
    if (found === undefined) {
      throw new CliError(
        `no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(group === 'core' ? version : `${group}/${version}`)}`,
      );
    }
    return found;
  });
}

/** What an earlier `apply` made in the namespaces of these objects, and these are not. */
export async function findLeftOver(
  { session, flags }: Invocation,
  resources: readonly ApiResource[],
  applied: readonly AnyObject[],
): Promise<readonly FoundObject[]> {
  const uids = new Set(applied.map(({ metadata }) => metadata.uid));
  const namespaces = new Set(
    applied.map((object) => textAt(object, 'metadata', 'namespace')).filter((name) => name !== ''),
  );
  const inNamespaces = resources.filter(({ isNamespaced }) => isNamespaced);
  const places = [
    ...[...namespaces].flatMap((namespace) => inNamespaces.map((resource) => ({ resource, namespace }))),
    ...resources.filter(({ isNamespaced }) => !isNamespaced).map((resource) => ({ resource, namespace: '' })),
  ];
  const labelSelector = flags.text('selector');
  const left: FoundObject[] = [];
  for (const { resource, namespace } of places) {
    const found = await listObjects(session, resource, namespace, { labelSelector });
    left.push(
      ...found.filter(({ object }) => lastAppliedOf(object) !== undefined && !uids.has(object.metadata.uid)),
    );
  }
  return left;
}

/** Deletes what an earlier `apply` made in the same namespaces and this one did not name. */
export async function prune(
  invocation: Invocation,
  applied: readonly AnyObject[],
  { resources, dryRun }: { readonly resources: readonly ApiResource[]; readonly dryRun: DryRun },
): Promise<void> {
  const { session } = invocation;
  for (const { object, ...target } of await findLeftOver(invocation, resources, applied)) {
    if (dryRun !== 'client') {
      await session.client.request({
        method: 'DELETE',
        path: pathOf(target.resource, target),
        body: {
          apiVersion: 'v1',
          kind: 'DeleteOptions',
          propagationPolicy: 'Background',
          ...(dryRun === 'server' ? { dryRun: ['All'] } : {}),
        },
      });
    }
    session.print(`${nameOf(object)} pruned${dryRunSuffix(dryRun)}\n`);
  }
}
