import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeepPartial } from '#api/object.ts';
import type { Pod, PodSpec } from '#api/types/core.v1.ts';
import { hostsFile, podHostname } from './hosts-file.ts';
import { aPod } from './pod.fixture.ts';
import { parseResolvConf, podDnsConfig } from './pod-dns.ts';

// The pod as the server stores it, as far as these files are made of it.
function podWith(spec: DeepPartial<PodSpec>): Pod {
  return aPod(spec) as unknown as Pod;
}

const DNS = {
  clusterDns: ['10.96.0.10'],
  clusterDomain: 'cluster.local',
  host: parseResolvConf('# comment\nnameserver 9.9.9.9\nsearch corp.example\noptions edns0 ndots:1\n'),
};

test('pod DNS: the policy decides whom the pod asks', () => {
  const cluster = 'default.svc.cluster.local svc.cluster.local cluster.local corp.example';
  const cases: readonly (readonly [DeepPartial<PodSpec>, string])[] = [
    [{}, `10.96.0.10 | ${cluster} | ndots:5`],
    [{ dnsPolicy: 'Default' }, '9.9.9.9 | corp.example | edns0 ndots:1'],
    [{ hostNetwork: true }, '9.9.9.9 | corp.example | edns0 ndots:1'],
    [{ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }, `10.96.0.10 | ${cluster} | ndots:5`],
    [
      {
        dnsPolicy: 'None',
        dnsConfig: {
          nameservers: ['1.1.1.1'],
          searches: ['x'],
          options: [{ name: 'ndots', value: '2' }, { name: 'rotate' }],
        },
      },
      '1.1.1.1 | x | ndots:2 rotate',
    ],
    [{ dnsConfig: { options: [{ name: 'ndots', value: '2' }] } }, `10.96.0.10 | ${cluster} | ndots:2`],
  ];
  for (const [spec, expected] of cases) {
    const { servers, searches, options } = podDnsConfig(podWith(spec), DNS);
    assert.equal([servers, searches, options].map((list) => list.join(' ')).join(' | '), expected);
  }
});

test('hosts file: the pod knows itself by its name, its subdomain and its aliases', () => {
  const pod = podWith({
    hostname: 'db-0',
    subdomain: 'db',
    hostAliases: [{ ip: '1.2.3.4', hostnames: ['foo', 'bar'] }],
  });
  assert.equal(podHostname(pod), 'db-0');
  assert.equal(
    hostsFile(pod, ['10.0.0.5'], 'cluster.local'),
    [
      '# Kubernetes-managed hosts file.',
      '127.0.0.1\tlocalhost',
      '::1\tlocalhost ip6-localhost ip6-loopback',
      'fe00::0\tip6-localnet',
      'fe00::0\tip6-mcastprefix',
      'fe00::1\tip6-allnodes',
      'fe00::2\tip6-allrouters',
      '10.0.0.5\tdb-0.db.default.svc.cluster.local\tdb-0',
      '',
      '# Entries added by HostAliases.',
      '1.2.3.4\tfoo\tbar',
      '',
    ].join('\n'),
  );
});

test('hostname: a long pod name is cut where a name may end', () => {
  const pod = aPod({}, { name: `${'a'.repeat(62)}-b` }) as unknown as Pod;
  assert.equal(podHostname(pod), 'a'.repeat(62));
});
