import type { DeepPartial, NewObject } from '#api/object.ts';
import type { Container, Pod, PodSpec } from '#api/types/core.v1.ts';

/** A container named `main` that never ends, unless told otherwise. */
export function aContainer(given: DeepPartial<Container> = {}): DeepPartial<Container> {
  return { name: 'main', image: 'nginx:1', imagePullPolicy: 'IfNotPresent', resources: {}, ...given };
}

/** The pod `default/web` on the node `node-1`, as the server stores it. */
export function aPod(
  spec: DeepPartial<PodSpec> = {},
  metadata: NewObject<Pod>['metadata'] = {},
): NewObject<Pod> {
  return {
    metadata: { name: 'web', namespace: 'default', uid: 'uid-web', generation: 1, ...metadata },
    spec: {
      nodeName: 'node-1',
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      enableServiceLinks: true,
      containers: [aContainer()],
      ...spec,
    },
    status: { phase: 'Pending', qosClass: 'BestEffort' },
  };
}
