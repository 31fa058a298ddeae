import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import packet from 'dns-packet';
import { ENDPOINT_SLICE } from '#api/types/resources.ts';
import { SystemClock } from '#base/clock.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { MetricsRegistry } from '#base/metrics.ts';
import { SeededRandom } from '#base/random.ts';
import type { StaticInformers } from '#client/static-informers.ts';
import { shopInformers } from './cluster.fixture.ts';
import { DnsServer } from './dns-server.ts';
import { nameserversOf, UpstreamError, type UpstreamTransport } from './upstream.ts';

interface Rig extends AsyncDisposable {
  readonly server: DnsServer;
  readonly informers: StaticInformers;
  udp(query: packet.Packet): Promise<packet.DecodedPacket & { readonly bytes: number }>;
  tcp(query: packet.Packet): Promise<packet.Packet>;
}

async function aServer(upstream: UpstreamTransport = NO_UPSTREAM): Promise<Rig> {
  const informers = shopInformers();
  const server = new DnsServer(
    {
      informers,
      clock: new SystemClock(),
      random: new SeededRandom(1),
      log: SILENT_LOGGER,
      metrics: new MetricsRegistry(),
      upstream,
    },
    { addresses: ['127.0.0.1'], port: 0, upstreams: [{ ip: '192.0.2.53', port: 53 }] },
  );
  informers.start();
  await server.start();
  return {
    server,
    informers,
    udp: async (query) => {
      const socket = createSocket('udp4');
      socket.send(packet.encode({ type: 'query', id: 7, ...query }), server.port, '127.0.0.1');
      const [message] = (await once(socket, 'message')) as [Buffer];
      socket.close();
      return { ...packet.decode(message), bytes: message.length };
    },
    tcp: async (query) => {
      const socket = connect(server.port, '127.0.0.1');
      socket.write(packet.streamEncode({ type: 'query', id: 7, ...query }));
      let received = Buffer.alloc(0);
      while (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) {
        const [chunk] = (await once(socket, 'data')) as [Buffer];
        received = Buffer.concat([received, chunk]);
      }
      socket.destroy();
      return packet.streamDecode(received);
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

const NO_UPSTREAM: UpstreamTransport = {
  exchange: () => Promise.reject(new UpstreamError('nobody there')),
};

function question(name: string, type: packet.RecordType): packet.Packet {
  return { questions: [{ name, type }] };
}

const SRV = '_sql._tcp.db.shop.svc.cluster.local';

test('DnsServer: an answer can be read by another implementation, with all its sections', async () => {
  await using rig = await aServer();
  const answer = await rig.udp({ ...question(SRV, 'SRV'), flags: packet.RECURSION_DESIRED });
  assert.equal(answer.id, 7);
  assert.equal(answer.flag_aa && answer.flag_ra && answer.flag_rd && !answer.flag_tc, true);
  assert.deepEqual(
    answer.answers?.map((record) => [
      record.name,
      'ttl' in record ? record.ttl : 0,
      'data' in record && record.data,
    ]),
    [
      [SRV, 30, { priority: 0, weight: 50, port: 5432, target: 'db-0.db.shop.svc.cluster.local' }],
      [SRV, 30, { priority: 0, weight: 50, port: 5432, target: '10-244-0-6.db.shop.svc.cluster.local' }],
    ],
  );
  assert.deepEqual(
    answer.additionals?.map((record) => [record.name, 'data' in record && record.data]),
    [
      ['db-0.db.shop.svc.cluster.local', '10.244.0.5'],
      ['10-244-0-6.db.shop.svc.cluster.local', '10.244.0.6'],
    ],
  );
});

for (const [name, type, rcode] of [
  ['nobody.shop.svc.cluster.local', 'A', 'NXDOMAIN'],
  ['db.shop.svc.cluster.local', 'AAAA', 'NOERROR'],
] as const) {
  test(`DnsServer: ${rcode} without an answer says who says so, for how long`, async () => {
    await using rig = await aServer();
    const answer = await rig.udp(question(name, type));
    assert.equal('rcode' in answer && answer.rcode, rcode);
    assert.deepEqual(answer.answers, []);
    const [authority] = answer.authorities ?? [];
    assert.ok(authority?.type === 'SOA');
    assert.equal(authority.name, 'cluster.local');
    assert.equal(authority.data.minimum, 30);
    assert.equal(authority.data.mname, 'ns.dns.cluster.local');
  });
}

test('DnsServer: what does not fit is cut off over UDP and complete over TCP', async () => {
  await using rig = await aServer();
  rig.informers.set(ENDPOINT_SLICE, {
    metadata: { namespace: 'shop', name: 'idle-1', labels: { 'kubernetes.io/service-name': 'idle' } },
    addressType: 'IPv4',
    endpoints: Array.from({ length: 100 }, (_, index) => ({
      addresses: [`10.244.1.${index}`],
      conditions: { ready: true },
    })),
  });
  const ask = question('idle.shop.svc.cluster.local', 'A');
  const small = await rig.udp(ask);
  assert.equal(small.flag_tc, true);
  assert.ok(small.bytes <= 512 && (small.answers?.length ?? 0) > 20, `${small.bytes} bytes`);
  const edns: packet.OptAnswer = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: 4096,
    flags: 0,
    options: [],
    extendedRcode: 0,
    ednsVersion: 0,
    flag_do: false,
  };
  const large = await rig.udp({
    ...ask,
    additionals: [edns],
  });
  assert.equal(large.flag_tc, false);
  assert.equal(large.answers?.length, 100);
  assert.deepEqual(
    large.additionals?.map(({ type }) => type),
    ['OPT'],
  );
  assert.equal((await rig.tcp(ask)).answers?.length, 100);
});

test('DnsServer: other names are asked elsewhere once, and answered in the spelling of the client', async () => {
  let asked = 0;
  await using rig = await aServer({
    exchange: async (_, query) => {
      asked += 1;
      const { id, questions } = packet.decode(query);
      return packet.encode({
        type: 'response',
        id: id ?? 0,
        questions: questions ?? [],
        answers: [{ name: questions?.[0]?.name ?? '', type: 'A', ttl: 300, data: '192.0.2.80' }],
      });
    },
  });
  for (const name of ['example.com', 'ExAmPlE.com']) {
    const answer = await rig.udp(question(name, 'A'));
    assert.equal(answer.id, 7);
    assert.equal(answer.questions?.[0]?.name, name);
    assert.equal(answer.answers?.length, 1);
  }
  assert.equal(asked, 1);
  const alias = await rig.udp(question('docs.shop.svc.cluster.local', 'A'));
  assert.deepEqual(
    alias.answers?.map((record) => ('data' in record ? record.data : '')),
    ['docs.example.com', '192.0.2.80'],
  );
});

test('DnsServer: without another server other names fail, and the alias still is an answer', async () => {
  await using rig = await aServer();
  const answer = await rig.udp(question('example.com', 'A'));
  assert.equal('rcode' in answer && answer.rcode, 'SERVFAIL');
  const alias = await rig.udp(question('docs.shop.svc.cluster.local', 'A'));
  assert.equal(alias.answers?.length, 1);
});

test('DnsServer: what is no query gets no answer, and a TCP client that sends it is cut off', async () => {
  await using rig = await aServer();
  const socket = connect(rig.server.port, '127.0.0.1').resume();
  socket.write(Buffer.from([0, 3, 1, 2, 3]));
  await once(socket, 'close');
});

test('nameserversOf: reads resolv.conf and leaves this server out', () => {
  const text =
    '# comment\nsearch example.com\nnameserver 10.96.0.10\n nameserver 192.0.2.1 # first\nnameserver x\n';
  assert.deepEqual(nameserversOf(text, ['10.96.0.10']), [{ ip: '192.0.2.1', port: 53 }]);
});
