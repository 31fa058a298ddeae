import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notFound } from '#api/status-error.ts';
import { POD } from '#api/types/resources.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { TaskGroup } from '#base/task-group.ts';
import { Client } from '#client/client.ts';
import { aPod } from './cluster.fixture.ts';
import { StatusWriter } from './status-writer.ts';

test('StatusWriter: few writes at once, one per pod, the last word counts', async () => {
  await using tasks = TaskGroup.logging(SILENT_LOGGER);
  const sent: string[] = [];
  const answers: (() => void)[] = [];
  let onTheWayMax = 0;
  const client = new Client({
    async request({ name = '', body }) {
      const { status } = body as { readonly status: { readonly message?: string } };
      sent.push(`${name} ${status.message ?? ''}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      onTheWayMax = Math.max(onTheWayMax, answers.push(resolve));
      await promise;
      if (name === 'pod-3') {
        throw notFound(POD, name);
      }
      return {};
    },
    watch: async function* () {
      // Nothing is watched.
    },
  });
  const writer = new StatusWriter({ client, log: SILENT_LOGGER, tasks });
  const pods = Array.from({ length: 40 }, (_, index) => aPod(`pod-${index}`));
  for (const message of ['first', 'second']) {
    pods.forEach((pod) => writer.write(pod, { message }));
  }
  while (sent.length < 56 || answers.length > 0) {
    answers.splice(0).forEach((answer) => answer());
    await new Promise(setImmediate);
  }
  assert.equal(onTheWayMax, 16);
  assert.deepEqual(sent.slice(0, 2), ['pod-0 first', 'pod-1 first']);
  assert.deepEqual(
    pods.map(({ metadata }) => sent.findLast((line) => line.startsWith(`${metadata.name} `))),
    pods.map(({ metadata }) => `${metadata.name} second`),
  );
  assert.equal(sent.length, 56, 'the 24 that had to wait were written once');
});
