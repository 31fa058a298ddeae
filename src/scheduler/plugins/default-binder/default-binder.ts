import { POD } from '#api/types/resources.ts';
import type { Binding } from '#api/types/core.v1.ts';
import type { Client } from '#client/client.ts';
import type { Plugin } from '../../framework/plugin.ts';

/** Binds through the pod's `binding` subresource. */
export function defaultBinder(client: Client): Plugin {
  const pods = client.of(POD);
  return {
    name: 'DefaultBinder',
    async bind({ metadata: { namespace, name, uid } }, nodeName, signal) {
      const binding = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { namespace, name, uid },
        target: { kind: 'Node', name: nodeName },
      } satisfies { target: Binding['target']; [field: string]: unknown };
      await pods.subresource('create', { namespace, name, subresource: 'binding' }, binding, signal);
      return true;
    },
  };
}
