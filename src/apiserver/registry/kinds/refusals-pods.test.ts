import { testRefusals } from './refusals.fixture.ts';

testRefusals([
  {
    kind: '/Pod',
    with: { 'spec.containers.0.image': '', 'spec.restartPolicy': 'Soon' },
    says: [
      'spec.containers[0].image: Required value',
      'spec.restartPolicy: Unsupported value: "Soon": supported values: "Always", "OnFailure", "Never"',
    ],
  },
  {
    kind: '/Pod',
    with: { 'spec.volumes': [{ name: 'v', hostPath: { path: '/..' }, emptyDir: {} }] },
    says: ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
  },
  {
    kind: '/Pod',
    with: {
      'spec.volumes': [
        {
          name: 'v',
          projected: { sources: [{ serviceAccountToken: { path: '../a', expirationSeconds: 5 } }] },
        },
      ],
    },
    says: [
      'spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes',
      'spec.volumes[0].projected.path: Invalid value: "../a": must not contain \'..\'',
    ],
  },
  {
    kind: '/Pod',
    with: { 'spec.containers.0.volumeMounts': [{ name: 'no', mountPath: '/x' }] },
    says: ['spec.containers[0].volumeMounts[0].name: Not found: "no"'],
  },
  {
    kind: '/Pod',
    with: { 'spec.containers.0.livenessProbe': { periodSeconds: -1, grpc: { port: 0 } } },
    says: [
      'spec.containers[0].livenessProbe.grpc.port: Invalid value: 0: must be between 1 and 65535, inclusive',
      'spec.containers[0].livenessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0',
    ],
  },
  {
    kind: '/Pod',
    with: { 'spec.containers.0.securityContext': { privileged: true, allowPrivilegeEscalation: false } },
    says: [
      'spec.containers[0].securityContext: Invalid value: {"privileged":true,"allowPrivilegeEscalation":false}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
    ],
  },
  {
    kind: '/Pod',
    with: { 'spec.hostUsers': false, 'spec.hostNetwork': true },
    says: ['spec.hostNetwork: Forbidden: when `pod.Spec.HostUsers` is false'],
  },
  {
    kind: '/Pod',
    with: { 'spec.containers.0.resources': { requests: { cpu: '2' }, limits: { cpu: '1' } } },
    says: [
      'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ],
  },
  {
    kind: '/Pod',
    with: { 'spec.resources': { requests: { cpu: '1' }, limits: { storage: '1' } } },
    says: ['spec.resources.limits[storage]: Unsupported value: "storage": supported values: "cpu", "memory"'],
  },
  {
    kind: '/Pod',
    with: {
      'spec.containers.0.env': [{ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'spec.x' } } }],
    },
    says: [
      'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.x": error converting fieldPath: field label not supported: spec.x',
      'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
    ],
  },
  {
    kind: '/Pod',
    with: {
      'spec.containers.0.ports': [
        { containerPort: 0, protocol: 'X' },
        { name: 'Bad_', containerPort: 80 },
      ],
    },
    says: [
      'spec.containers[0].ports[0].containerPort: Required value',
      'spec.containers[0].ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"',
      'spec.containers[0].ports[1].name: Invalid value: "Bad_": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
    ],
  },
  {
    kind: '/Pod',
    with: { 'spec.dnsPolicy': 'None', 'spec.tolerations': [{ operator: 'Exists', value: 'x' }] },
    says: [
      'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None',
      'spec.tolerations[0].operator: Invalid value: {"operator":"Exists","value":"x"}: value must be empty when `operator` is \'Exists\'',
    ],
  },
  {
    kind: '/Pod',
    with: { 'spec.ephemeralContainers': [{ name: 'e', image: 'i' }] },
    says: ['spec.ephemeralContainers: Forbidden: cannot be set on create'],
  },
  {
    kind: '/Pod',
    with: { 'spec.topologySpreadConstraints': [{ maxSkew: 0, topologyKey: '', whenUnsatisfiable: 'X' }] },
    says: [
      'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
      'spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty',
      'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "X": supported values: "DoNotSchedule", "ScheduleAnyway"',
    ],
  },
  {
    kind: '/Pod',
    with: { 'spec.os': { name: 'windows' }, 'spec.hostPID': true },
    says: ['spec.hostPID: Forbidden: cannot be set for a windows pod'],
  },
  {
    kind: '/Pod',
    onUpdate: true,
    with: { 'spec.nodeSelector': { a: 'b' } },
    says: [
      'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\nchanged: spec.nodeSelector',
    ],
  },
  {
    kind: '/Pod',
    onUpdate: true,
    with: { 'spec.activeDeadlineSeconds': 0 },
    says: ['spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive'],
  },
]);
