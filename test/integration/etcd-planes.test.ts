import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIG_MAP } from '#api/types/resources.ts';
import { SystemClock } from '#base/clock.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { MetricsRegistry } from '#base/metrics.ts';
import { SystemRandom } from '#base/random.ts';
import { ControlPlane, SERVICE_CIDR_DEFAULT } from '#cluster/control-plane.ts';
import { createSigningKey } from '#base/x509/certificate-authority.ts';
import { createSecurity } from '#cluster/security.ts';
import { EtcdProcess, WHY_NO_ETCD, etcdProgram } from './etcd-process.fixture.ts';

const skip = etcdProgram('etcd') === undefined ? WHY_NO_ETCD : false;

test('two API servers over one etcd: what one wrote, the other reads at once', { skip }, async () => {
  await using etcd = await EtcdProcess.start();
  const serviceAccountKeyPem = createSigningKey().privateKeyPem;
  await using left = await startPlane(etcd, serviceAccountKeyPem);
  await using right = await startPlane(etcd, serviceAccountKeyPem);
  for (let round = 0; round < 50; round++) {
    const [writer, reader] = round % 2 === 0 ? [left, right] : [right, left];
    const name = `round-${round}`;
    const made = await writer.client
      .of(CONFIG_MAP)
      .create({ metadata: { name, namespace: 'default' }, data: { round: String(round) } });
    const read = await reader.client.of(CONFIG_MAP).get('default', name);
    assert.deepEqual(read, made);
    const { items } = await reader.client.of(CONFIG_MAP).list('default');
    assert.ok(
      items.some(({ metadata }) => metadata.name === name),
      'a consistent list has it',
    );
  }
});

async function startPlane(etcd: EtcdProcess, serviceAccountKeyPem: string): Promise<ControlPlane> {
  const clock = new SystemClock();
  const random = new SystemRandom();
  const store = await etcd.open();
  return ControlPlane.start(
    { store, clock, random, log: SILENT_LOGGER, metrics: new MetricsRegistry() },
    { serviceCidr: SERVICE_CIDR_DEFAULT },
    createSecurity({ clock, random, serviceAccountKeyPem }),
  );
}
