import { testRefusals } from './refusals.fixture.ts';

testRefusals([
  { kind: '/Service', with: { 'spec.type': 'ExternalName' }, says: ['spec.externalName: Required value'] },
  {
    kind: '/Service',
    with: { 'spec.clusterIP': 'None', 'spec.type': 'NodePort' },
    says: ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services'],
  },
  {
    kind: '/Service',
    onUpdate: true,
    with: { 'spec.clusterIP': '10.96.0.77' },
    says: ['spec.clusterIPs[0]: Invalid value: ["10.96.0.77"]: may not change once set'],
  },
  {
    kind: '/Service',
    with: { 'spec.ports': [{ port: 80 }, { port: 81 }] },
    says: ['spec.ports[0].name: Required value', 'spec.ports[1].name: Required value'],
  },
  {
    kind: '/Service',
    with: {
      'spec.type': 'LoadBalancer',
      'spec.loadBalancerSourceRanges': ['x'],
      'spec.externalIPs': ['127.0.0.1'],
    },
    says: [
      'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'spec.LoadBalancerSourceRanges[0]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
  },
  {
    kind: '/Service',
    with: { 'spec.ipFamilies': ['IPv4', 'IPv4'], 'spec.sessionAffinity': 'X' },
    says: [
      'spec.sessionAffinity: Unsupported value: "X": supported values: "ClientIP", "None"',
      'spec.ipFamilies[1]: Duplicate value: "IPv4"',
    ],
  },
  {
    kind: 'networking.k8s.io/Ingress',
    with: { 'spec.rules.0.host': '10.0.0.1', 'spec.rules.0.http.paths.0.pathType': 'X' },
    says: [
      'spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
      'spec.rules[0].http.paths[0].pathType: Unsupported value: "X": supported values: "Exact", "ImplementationSpecific", "Prefix"',
    ],
  },
  {
    kind: 'networking.k8s.io/Ingress',
    with: { 'spec.rules.0.http.paths.0.backend': { service: { name: 'S', port: {} } } },
    says: [
      "spec.rules[0].http.paths[0].backend.service.name: Invalid value: \"S\": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
      'spec.rules[0].http.paths[0].backend: Required value: port name or number is required',
    ],
  },
  {
    kind: 'networking.k8s.io/IngressClass',
    with: { 'spec.controller': 'none', 'spec.parameters': { kind: 'K', name: 'n', scope: 'Namespace' } },
    says: [
      'spec.controller: Invalid value: "none": must be a domain-prefixed path (such as "acme.io/foo")',
      "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
    ],
  },
  {
    kind: 'networking.k8s.io/IngressClass',
    onUpdate: true,
    with: { 'spec.controller': 'example.com/d' },
    says: ['spec.controller: Invalid value: "example.com/d": field is immutable'],
  },
  {
    kind: 'networking.k8s.io/NetworkPolicy',
    with: { 'spec.ingress.0.ports': [{ port: 80, endPort: 70 }], 'spec.policyTypes': ['Both'] },
    says: [
      'spec.ingress[0].ports[0].endPort: Invalid value: 80: must be greater than or equal to `port`',
      'spec.policyTypes[0]: Unsupported value: "Both": supported values: "Ingress", "Egress"',
    ],
  },
  {
    kind: 'networking.k8s.io/NetworkPolicy',
    with: { 'spec.ingress.0.from.0': { ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/9'] } } },
    says: [
      'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/9": must be a strict subset of `cidr`',
    ],
  },
  {
    kind: 'networking.k8s.io/ServiceCIDR',
    with: { 'spec.cidrs': ['10.0.0.0/8', '11.0.0.0/8'] },
    says: [
      'spec.cidrs: Invalid value: ["10.0.0.0/8","11.0.0.0/8"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
    ],
  },
  {
    kind: 'networking.k8s.io/ServiceCIDR',
    onUpdate: true,
    with: { 'spec.cidrs': ['10.0.0.0/8'] },
    says: ['spec.cidrs[0]: Invalid value: "10.0.0.0/8": field is immutable'],
  },
  {
    kind: 'networking.k8s.io/IPAddress',
    with: { 'metadata.name': 'x', 'spec.parentRef': { resource: '' } },
    says: [
      'metadata.name: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      'spec.parentRef.resource: Required value',
      'spec.parentRef.name: Required value',
    ],
  },
  {
    kind: 'networking.k8s.io/IPAddress',
    onUpdate: true,
    with: { 'spec.parentRef.name': 't' },
    says: [
      'spec.parentRef: Invalid value: {"resource":"services","namespace":"default","name":"t"}: field is immutable',
    ],
  },
  {
    kind: 'discovery.k8s.io/EndpointSlice',
    with: { 'endpoints.0.addresses': [], ports: [{ name: 'A' }, { name: 'A' }] },
    says: [
      'endpoints[0].addresses: Required value: must contain at least 1 address',
      "ports[0].name: Invalid value: \"A\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
      "ports[1].name: Invalid value: \"A\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
      'ports[1].name: Duplicate value: "A"',
    ],
  },
  {
    kind: 'discovery.k8s.io/EndpointSlice',
    onUpdate: true,
    with: { addressType: 'IPv6' },
    says: [
      'endpoints[0].addresses[0]: Invalid value: "10.0.0.1": must be a valid IPv6 address',
      'addressType: Invalid value: "IPv6": field is immutable',
    ],
  },
]);
