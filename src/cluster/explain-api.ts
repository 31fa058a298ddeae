import type { ApiServer } from '#apiserver/api-server.ts';
import { notFound } from '#api/status-error.ts';
import type { GroupVersionResource } from '#api/resource-type.ts';
import type { Scheduler } from '#scheduler/scheduler.ts';

/** Coracle's own read-only resource: why the scheduler put a pod where it is, or nowhere. */
export const POD_EXPLANATIONS: GroupVersionResource = {
  group: 'explain.coracle.dev',
  version: 'v1',
  resource: 'pods',
};

/** Serves `GET /apis/explain.coracle.dev/v1/namespaces/<ns>/pods/<name>`. */
export function serveExplanations(server: ApiServer, scheduler: Scheduler): void {
  server.serveVirtual(`${POD_EXPLANATIONS.group}/${POD_EXPLANATIONS.resource}`, ({ info }) => {
    const explanation = scheduler.explain(`${info.namespace}/${info.name}`);
    if (explanation === undefined || info.verb !== 'get') {
      throw notFound(POD_EXPLANATIONS, info.name);
    }
    const value = { apiVersion: 'explain.coracle.dev/v1', kind: 'PodExplanation', ...explanation };
    return Promise.resolve({ kind: 'value', code: 200, value });
  });
}
