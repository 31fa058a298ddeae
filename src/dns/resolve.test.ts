import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shopInformers } from './cluster.fixture.ts';
import { InformerRecords } from './cluster-records.ts';
import { RECORD_TYPES, type DnsRecord } from './dns-record.ts';
import { resolve, startOfAuthority, type Resolution } from './resolve.ts';

const OPTIONS = { zone: 'cluster.local', ttl: 30, serverIps: ['10.96.0.10'], serial: 1 };
const informers = shopInformers();
const records = new InformerRecords(informers);
informers.start();

const ZONE = '.svc.cluster.local';

// `@` stands for `.svc.cluster.local`. Answers without names; SRV as `weight port target`.
const CASES: readonly {
  readonly ask: string;
  readonly type: keyof typeof RECORD_TYPES;
  readonly answer: string;
}[] = [
  { ask: 'web.shop@', type: 'A', answer: 'A 10.96.0.7' },
  { ask: 'WeB.Shop@', type: 'A', answer: 'A 10.96.0.7' },
  { ask: 'web.shop@', type: 'AAAA', answer: 'AAAA fd00::7' },
  { ask: 'web.shop@', type: 'ANY', answer: 'A 10.96.0.7, AAAA fd00::7' },
  { ask: 'web.shop@', type: 'TXT', answer: 'no data' },
  { ask: 'web.shop@', type: 'SRV', answer: 'SRV 100 80 web.shop@' },
  { ask: '_http._tcp.web.shop@', type: 'SRV', answer: 'SRV 100 80 web.shop@' },
  { ask: '_http._udp.web.shop@', type: 'SRV', answer: 'missing' },
  { ask: '_none._tcp.web.shop@', type: 'SRV', answer: 'missing' },
  { ask: 'http._tcp.web.shop@', type: 'SRV', answer: 'missing' },
  { ask: 'web-0.web.shop@', type: 'A', answer: 'A 10.244.0.9' },
  { ask: 'db.shop@', type: 'A', answer: 'A 10.244.0.5, A 10.244.0.6' },
  { ask: 'db.shop@', type: 'AAAA', answer: 'no data' },
  { ask: 'db-0.db.shop@', type: 'A', answer: 'A 10.244.0.5' },
  { ask: '10-244-0-6.db.shop@', type: 'A', answer: 'A 10.244.0.6' },
  { ask: 'db-2.db.shop@', type: 'A', answer: 'missing' },
  {
    ask: '_sql._tcp.db.shop@',
    type: 'SRV',
    answer: 'SRV 50 5432 db-0.db.shop@, SRV 50 5432 10-244-0-6.db.shop@',
  },
  { ask: 'idle.shop@', type: 'A', answer: 'missing' },
  { ask: 'nobody.shop@', type: 'A', answer: 'missing' },
  { ask: 'a.b.c.web.shop@', type: 'A', answer: 'missing' },
  { ask: 'docs.shop@', type: 'CNAME', answer: 'CNAME docs.example.com' },
  { ask: 'docs.shop@', type: 'A', answer: 'CNAME docs.example.com, then ask docs.example.com' },
  { ask: 'shortcut.shop@', type: 'A', answer: 'CNAME web.shop@, A 10.96.0.7' },
  { ask: 'shop@', type: 'A', answer: 'no data' },
  { ask: 'empty@', type: 'A', answer: 'missing' },
  { ask: 'svc.cluster.local', type: 'A', answer: 'no data' },
  { ask: '10-1-2-3.shop.pod.cluster.local', type: 'A', answer: 'A 10.1.2.3' },
  { ask: 'fd00--3.shop.pod.cluster.local', type: 'AAAA', answer: 'AAAA fd00::3' },
  { ask: '10-1-2-3.shop.pod.cluster.local', type: 'AAAA', answer: 'no data' },
  { ask: '10-1-2-3.empty.pod.cluster.local', type: 'A', answer: 'missing' },
  { ask: 'web.shop.pod.cluster.local', type: 'A', answer: 'missing' },
  { ask: 'dns-version.cluster.local', type: 'TXT', answer: 'TXT 1.1.0' },
  { ask: 'cluster.local', type: 'NS', answer: 'NS ns.dns.cluster.local' },
  { ask: 'cluster.local', type: 'A', answer: 'no data' },
  { ask: 'ns.dns.cluster.local', type: 'A', answer: 'A 10.96.0.10' },
  { ask: 'x.cluster.local', type: 'A', answer: 'missing' },
  { ask: '7.0.96.10.in-addr.arpa', type: 'PTR', answer: 'PTR web.shop@' },
  { ask: '5.0.244.10.in-addr.arpa', type: 'PTR', answer: 'PTR db-0.db.shop@' },
  { ask: '6.0.244.10.in-addr.arpa', type: 'PTR', answer: 'PTR 10-244-0-6.db.shop@' },
  { ask: '9.0.244.10.in-addr.arpa', type: 'PTR', answer: 'PTR web-0.web.shop@' },
  { ask: '1.1.1.1.in-addr.arpa', type: 'PTR', answer: 'forward' },
  {
    ask: '7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa',
    type: 'PTR',
    answer: 'PTR web.shop@',
  },
  { ask: 'example.com', type: 'A', answer: 'forward' },
  { ask: 'notcluster.local', type: 'A', answer: 'forward' },
];

for (const { ask, type, answer } of CASES) {
  test(`resolve: ${type} of ${ask} is ${answer}`, () => {
    const name = ask.replace('@', ZONE);
    const resolution = resolve({ name, type: RECORD_TYPES[type] }, records, OPTIONS);
    assert.equal(inWords(resolution), answer);
    const first = 'answers' in resolution ? resolution.answers[0] : undefined;
    assert.equal(first?.name ?? name, name, 'the first record repeats the name as it was asked');
  });
}

test('resolve: the targets of service records come with their addresses', () => {
  const resolution = resolve({ name: `_sql._tcp.db.shop${ZONE}`, type: RECORD_TYPES.SRV }, records, OPTIONS);
  assert.ok(resolution.kind === 'found');
  assert.equal(words(resolution.additionals), 'A 10.244.0.5, A 10.244.0.6');
});

test('startOfAuthority: absence may be remembered as long as an answer', () => {
  const { data } = startOfAuthority(OPTIONS);
  assert.ok(typeof data === 'object' && 'minimum' in data);
  assert.equal(data.minimum, 30);
});

function inWords(resolution: Resolution): string {
  switch (resolution.kind) {
    case 'missing':
    case 'forward':
      return resolution.kind;
    case 'alias':
      return `${words(resolution.answers)}, then ask ${resolution.target}`;
    default:
      return resolution.answers.length === 0 ? 'no data' : words(resolution.answers);
  }
}

function words(answers: readonly DnsRecord[]): string {
  return answers
    .map((record) => {
      const data =
        record.type === 'SRV'
          ? `${record.data.weight} ${record.data.port} ${record.data.target}`
          : record.type === 'SOA'
            ? record.data.primary
            : record.data;
      return `${record.type} ${data.replace(ZONE, '@')}`;
    })
    .join(', ');
}
