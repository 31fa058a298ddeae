import type { Invocation } from '../command.ts';
import { type DryRun, dryRunSuffix } from '../dry-run.ts';
import { listObjects } from '../find-objects.ts';
import { LAST_APPLIED } from '../last-applied.ts';
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

/** Deletes what an earlier `apply` made in the same namespaces and this one did not name. */
export async function prune(
  invocation: Invocation,
  applied: readonly AnyObject[],
  dryRun: DryRun,
): Promise<void> {
  const { session, flags } = invocation;
  const mapper = await session.mapper();
  const uids = new Set(applied.map(({ metadata }) => metadata.uid));
  const namespaces = new Set(
    applied.map((object) => textAt(object, 'metadata', 'namespace')).filter((name) => name !== ''),
  );
  for (const name of PRUNED) {
    const resource = mapper.find(name);
    if (resource === undefined) {
      continue;
    }
    for (const namespace of resource.isNamespaced ? namespaces : ['']) {
      const found = await listObjects(session, resource, namespace, {
        labelSelector: flags.text('selector'),
      });
      for (const { object, ...target } of found) {
        if (textAt(object, 'metadata', 'annotations', LAST_APPLIED) === '' || uids.has(object.metadata.uid)) {
          continue;
        }
        if (dryRun !== 'client') {
          await session.client.request({
            method: 'DELETE',
            path: pathOf(resource, target),
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
  }
}
