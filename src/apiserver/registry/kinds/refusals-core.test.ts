import { testRefusals } from './refusals.fixture.ts';

testRefusals([
  {
    kind: '/Event',
    with: { 'involvedObject.namespace': 'other' },
    says: ['involvedObject.namespace: Invalid value: "other": does not match event.namespace'],
  },
  {
    kind: '/Event',
    with: { eventTime: '2026-01-01T00:00:00.000000Z' },
    says: [
      'reportingComponent: Required value',
      'reportingComponent: Invalid value: "": name part must be non-empty',
      "reportingComponent: Invalid value: \"\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
      'reportingInstance: Required value',
      'action: Required value',
    ],
  },
  {
    kind: '/LimitRange',
    with: { 'spec.limits.0.max': { cpu: '1' }, 'spec.limits.0.min': { cpu: '2' } },
    says: [
      'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
      'spec.limits[0].defaultRequest[cpu]: Invalid value: "1": min value 2 is greater than default request value 1',
      'spec.limits[0].default[cpu]: Invalid value: "2": min value 2 is greater than default value 1',
    ],
  },
  {
    kind: '/LimitRange',
    with: { 'spec.limits.0.type': 'Pod', 'spec.limits.0.default': { cpu: '1' } },
    says: ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"],
  },
  {
    kind: '/Namespace',
    with: { 'metadata.name': 'a.b' },
    says: ['metadata.name: Invalid value: "a.b": must not contain dots'],
  },
  {
    kind: '/Node',
    with: { 'spec.taints.0.effect': 'Later' },
    says: [
      'metadata.taints[0].effect: Unsupported value: "Later": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
    ],
  },
  {
    kind: '/Node',
    with: { 'spec.podCIDRs': ['10.0.0.0/24', '10.0.1.0/24'] },
    says: [
      'spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.0.1.0/24"]: may specify no more than one CIDR for each IP family',
    ],
  },
  {
    kind: '/PersistentVolume',
    with: { 'spec.nfs': { server: '', path: 'x' } },
    says: ['spec.nfs: Forbidden: may not specify more than 1 volume type'],
  },
  {
    kind: '/PersistentVolume',
    with: { 'spec.capacity': { storage: '-1' }, 'spec.accessModes': ['Any'] },
    says: [
      'spec.accessModes: Unsupported value: "Any": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
      'spec.capacity[storage]: Invalid value: -1: must be a valid resource quantity',
      'spec.capacity[storage]: Invalid value: "-1": must be greater than zero',
    ],
  },
  {
    kind: '/PersistentVolume',
    onUpdate: true,
    with: { 'spec.hostPath.path': '/y' },
    says: [
      'spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n',
    ],
  },
  {
    kind: '/PersistentVolumeClaim',
    with: { 'spec.resources': {}, 'spec.volumeMode': 'Tape' },
    says: [
      'spec.resources[storage]: Required value',
      'spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem"',
    ],
  },
  {
    kind: '/PersistentVolumeClaim',
    onUpdate: true,
    with: { 'spec.accessModes': ['ReadOnlyMany'] },
    says: [
      'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\naccessModes',
    ],
  },
  {
    kind: '/PodTemplate',
    with: { 'template.spec.containers': [] },
    says: ['template.spec.containers: Required value'],
  },
  {
    kind: '/ReplicationController',
    with: { 'spec.selector': { app: 'other' } },
    says: [
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ],
  },
  {
    kind: '/ResourceQuota',
    with: { 'spec.hard': { pods: '-1', 'bad name': '1' } },
    says: [
      "spec.hard[bad name]: Invalid value: \"bad name\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
      'spec.hard[bad name]: Invalid value: "bad name": must be a standard resource for quota',
      'spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0',
    ],
  },
  {
    kind: '/ResourceQuota',
    onUpdate: true,
    with: { 'spec.scopes': ['BestEffort'] },
    says: ['spec.scopes: Invalid value: ["BestEffort"]: field is immutable'],
  },
  {
    kind: '/Secret',
    with: { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': 'eA==' } },
    says: [
      'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": invalid character \'x\' looking for beginning of value',
    ],
  },
  {
    kind: '/Secret',
    with: { type: 'kubernetes.io/tls' },
    says: ['data[tls.crt]: Required value', 'data[tls.key]: Required value'],
  },
  {
    kind: '/Secret',
    with: { type: 'kubernetes.io/basic-auth' },
    says: ['data[username]: Required value', 'data[password]: Required value'],
  },
  {
    kind: '/Endpoints',
    with: { 'subsets.0.addresses.0.ip': '127.0.0.1', 'subsets.0.ports': [{ port: 0 }] },
    says: [
      'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
    ],
  },
  {
    kind: '/ServiceAccount',
    with: { 'metadata.name': 'A_b' },
    says: [
      "metadata.name: Invalid value: \"A_b\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
  },
  {
    kind: '/ConfigMap',
    with: { binaryData: { 'a.txt': 'eA==' } },
    says: ['data[a.txt]: Invalid value: "a.txt": duplicate of key present in binaryData'],
  },
]);
