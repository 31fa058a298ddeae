import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '#client/client.ts';
import type { ApiRequest } from '#client/transport.ts';
import { aPod } from '../../cluster.fixture.ts';
import { defaultBinder } from './default-binder.ts';

test('DefaultBinder: binds through the subresource, to this very pod', async () => {
  const sent: ApiRequest[] = [];
  const client = new Client({
    request: async (request) => void sent.push(request),
    watch: async function* () {
      // Nothing is watched.
    },
  });
  const pod = aPod('web');
  const isBound = await defaultBinder(client).bind?.(pod, 'node-1', new AbortController().signal);
  assert.equal(isBound, true);
  const [{ verb, namespace, name, subresource, body } = {} as ApiRequest] = sent;
  assert.deepEqual(
    { verb, namespace, name, subresource },
    { verb: 'create', namespace: 'default', name: 'web', subresource: 'binding' },
  );
  assert.deepEqual(body, {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { namespace: 'default', name: 'web', uid: pod.metadata.uid },
    target: { kind: 'Node', name: 'node-1' },
  });
});
