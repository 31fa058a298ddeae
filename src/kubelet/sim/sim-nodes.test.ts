import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { text } from 'node:stream/consumers';
import { SILENT_LOGGER } from '#base/log.ts';
import { SeededRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import type { NewObject } from '#api/object.ts';
import type { Pod } from '#api/types/core.v1.ts';
import { LEASE, NODE, POD } from '#api/types/resources.ts';
import { Client } from '#client/client.ts';
import { createInformers } from '#client/informer.ts';
import { MemoryTransport } from '#client/memory-transport.ts';
import { aPod } from '../pod/pod.fixture.ts';
import { createSimNodes, type SimNodes } from './sim-nodes.ts';

interface World {
  readonly clock: VirtualClock;
  readonly transport: MemoryTransport;
  readonly sim: SimNodes;
  phases(): string;
}

async function open(t: TestContext, count = 3): Promise<World> {
  const clock = new VirtualClock();
  const transport = new MemoryTransport(clock);
  const random = new SeededRandom(1);
  const informers = createInformers({ transport, clock, random, log: SILENT_LOGGER });
  const sim = createSimNodes({
    client: new Client(transport),
    informers,
    clock,
    random,
    log: SILENT_LOGGER,
    count,
  });
  t.after(async () => {
    await sim.close();
    await informers.close();
  });
  await sim.start();
  await clock.settle();
  const phases = (): string =>
    transport
      .all(POD)
      .map(({ metadata, status }) => `${metadata.name}=${status.phase}`)
      .join(' ');
  return { clock, transport, sim, phases };
}

function aSimPod(
  name: string,
  spec: Parameters<typeof aPod>[0],
  metadata: NewObject<Pod>['metadata'] = {},
): NewObject<Pod> {
  return aPod({ nodeName: 'sim-0', ...spec }, { name, uid: `uid-${name}`, ...metadata });
}

test('sim nodes: each is registered, ready, and renews its Lease', async (t) => {
  const { clock, transport, sim } = await open(t);
  assert.deepEqual(sim.names, ['sim-0', 'sim-1', 'sim-2']);
  assert.deepEqual(
    transport.all(NODE).map(({ status }) => status.conditions?.find(({ type }) => type === 'Ready')?.status),
    ['True', 'True', 'True'],
  );
  const renewed = (): readonly (string | undefined)[] =>
    transport.all(LEASE).map(({ spec }) => spec.renewTime);
  const before = renewed();
  await clock.advance(20_000);
  assert.ok(renewed().every((time, index) => time !== before[index]));
});

test('sim nodes: a bound pod runs at once with an address of its node, and its deletion is completed', async (t) => {
  const { clock, transport, phases } = await open(t);
  transport.put(POD, aSimPod('a', {}));
  transport.put(POD, aSimPod('b', {}));
  transport.put(POD, aSimPod('c', { nodeName: 'elsewhere' }));
  await clock.settle();
  assert.equal(phases(), 'a=Running b=Running c=Pending');
  const { status } = transport.peek(POD, 'default/b') ?? {};
  assert.equal(status?.podIP, '100.64.0.3');
  assert.equal(status?.containerStatuses?.[0]?.ready, true);
  assert.ok(status?.conditions?.every(({ status: value }) => value === 'True'));
  const b = transport.peek(POD, 'default/b');
  assert.ok(b !== undefined);
  transport.put(POD, { ...b, metadata: { ...b.metadata, deletionTimestamp: '2026-01-01T00:00:30Z' } });
  await clock.settle();
  assert.equal(phases(), 'a=Running c=Pending');
  transport.put(POD, aSimPod('d', {}));
  await clock.settle();
  assert.equal(transport.peek(POD, 'default/d')?.status.podIP, '100.64.0.3');
});

test('sim nodes: the pods of Jobs end by themselves, others by annotation', async (t) => {
  const { clock, transport, phases } = await open(t);
  const ownerReferences = [{ apiVersion: 'batch/v1', kind: 'Job', name: 'j', uid: 'j' }];
  const annotations = {
    'pod-complete.stage.kwok.x-k8s.io/delay': '10s',
    'sim.coracle.dev/exit-code': '2',
  };
  transport.put(POD, aSimPod('job', { restartPolicy: 'Never' }, { ownerReferences }));
  transport.put(POD, aSimPod('other', { restartPolicy: 'Never' }, { annotations }));
  transport.put(POD, aSimPod('server', { restartPolicy: 'Always' }));
  await clock.settle();
  assert.equal(phases(), 'job=Running other=Running server=Running');
  await clock.advance(1_000);
  assert.equal(phases(), 'job=Succeeded other=Running server=Running');
  await clock.advance(9_000);
  assert.equal(phases(), 'job=Succeeded other=Failed server=Running');
  assert.equal(
    transport.peek(POD, 'default/other')?.status.containerStatuses?.[0]?.state.terminated?.exitCode,
    2,
  );
});

test('sim nodes: logs are empty, and a command is refused with the reason', async (t) => {
  const { clock, transport, sim } = await open(t);
  transport.put(POD, aSimPod('a', {}));
  await clock.settle();
  const target = { namespace: 'default', pod: 'a', container: 'main' };
  assert.equal(await text(await sim.streams.logs(target, {}, new AbortController().signal)), '');
  const streams = { stdin: false, stdout: true, stderr: true, tty: false };
  await assert.rejects(sim.streams.exec(target, { command: ['sh'], ...streams }), {
    message: 'pod "a" runs on the simulated node "sim-0": there is no process to run a command beside',
  });
});

test('sim nodes: a thousand nodes take ten thousand pods', async (t) => {
  const { clock, transport } = await open(t, 1000);
  for (let index = 0; index < 10_000; index++) {
    transport.put(POD, aSimPod(`p${index}`, { nodeName: `sim-${index % 1000}` }));
  }
  for (
    let turn = 0;
    turn < 200 && transport.all(POD).some(({ status }) => status.phase !== 'Running');
    turn++
  ) {
    await clock.settle();
  }
  const ips = new Set(transport.all(POD).map(({ status }) => status.podIP));
  assert.equal(ips.size, 10_000);
});
