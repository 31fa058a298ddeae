import { testRefusals } from './refusals.fixture.ts';

testRefusals([
  {
    kind: 'apps/Deployment',
    onStatus: true,
    with: { 'status.replicas': 1, 'status.readyReplicas': 2, 'status.observedGeneration': -1 },
    says: [
      'status.observedGeneration: Invalid value: -1: must be greater than or equal to 0',
      'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
    ],
  },
  {
    kind: 'apps/ReplicaSet',
    onStatus: true,
    with: { 'status.replicas': 1, 'status.availableReplicas': 2, 'status.readyReplicas': 1 },
    says: [
      'status.availableReplicas: Invalid value: 2: cannot be greater than status.replicas',
      'status.availableReplicas: Invalid value: 2: cannot be greater than readyReplicas',
    ],
  },
  {
    kind: 'apps/StatefulSet',
    onStatus: true,
    with: { 'status.replicas': 1, 'status.currentReplicas': 2, 'status.collisionCount': -1 },
    says: [
      'status.collisionCount: Invalid value: -1: must be greater than or equal to 0',
      'status.currentReplicas: Invalid value: 2: cannot be greater than status.replicas',
      'status.collisionCount: Invalid value: -1: cannot be decremented',
    ],
  },
  {
    kind: 'apps/DaemonSet',
    onStatus: true,
    with: { 'status.numberReady': -1, 'status.currentNumberScheduled': -2 },
    says: [
      'status.currentNumberScheduled: Invalid value: -2: must be greater than or equal to 0',
      'status.numberReady: Invalid value: -1: must be greater than or equal to 0',
    ],
  },
  {
    kind: '/ReplicationController',
    onStatus: true,
    with: { 'status.replicas': 1, 'status.readyReplicas': 2 },
    says: ['status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas'],
  },
  {
    kind: 'batch/Job',
    onStatus: true,
    with: { 'status.active': -1, 'status.completionTime': '2026-01-01T00:00:00Z' },
    says: [
      'status.active: Invalid value: -1: must be greater than or equal to 0',
      'status.completionTime: Invalid value: "2026-01-01T00:00:00Z": cannot set completionTime when there is no Complete=True condition',
    ],
  },
  {
    kind: 'policy/PodDisruptionBudget',
    onStatus: true,
    with: { 'status.disruptionsAllowed': -1, 'status.expectedPods': -1 },
    says: [
      'status.disruptionsAllowed: Invalid value: -1: must be greater than or equal to 0',
      'status.expectedPods: Invalid value: -1: must be greater than or equal to 0',
    ],
  },
  {
    kind: 'autoscaling/HorizontalPodAutoscaler',
    onStatus: true,
    with: { 'status.currentReplicas': -1, 'status.desiredReplicas': -1 },
    says: [
      'status.currentReplicas: Invalid value: -1: must be greater than or equal to 0',
      'status.desiredReplicas: Invalid value: -1: must be greater than or equal to 0',
    ],
  },
  {
    kind: 'networking.k8s.io/Ingress',
    onStatus: true,
    with: { 'status.loadBalancer': { ingress: [{ ip: 'x', hostname: '10.0.0.1' }] } },
    says: [
      'status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      'status.loadBalancer.ingress[0].hostname: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
    ],
  },
  {
    kind: '/Service',
    onStatus: true,
    with: { 'status.loadBalancer': { ingress: [{ ip: '192.0.2.1' }] } },
    says: ["status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"],
  },
  {
    kind: '/Namespace',
    onStatus: true,
    with: { 'status.phase': 'Terminating' },
    says: [
      'status.Phase: Invalid value: "Terminating": may only be \'Active\' if `deletionTimestamp` is empty',
    ],
  },
  {
    kind: '/ResourceQuota',
    onStatus: true,
    with: { 'status.used': { pods: '-1' } },
    says: ['status.used[pods]: Invalid value: "-1": must be greater than or equal to 0'],
  },
  {
    kind: '/PersistentVolumeClaim',
    onStatus: true,
    with: { 'status.capacity': { storage: '-1' } },
    says: ['status.capacity[storage]: Invalid value: -1: must be a valid resource quantity'],
  },
  {
    kind: '/Pod',
    onStatus: true,
    with: { 'status.podIPs': [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }], 'status.nominatedNodeName': '_' },
    says: [
      "status.nominatedNodeName: Invalid value: \"_\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      'status.podIPs: Invalid value: [{"ip":"10.0.0.1"},{"ip":"10.0.0.2"}]: may specify no more than one IP for each IP family',
    ],
  },
  {
    kind: 'batch/Job',
    onStatus: true,
    with: {
      'status.conditions': [
        { type: 'Complete', status: 'True' },
        { type: 'Failed', status: 'True' },
      ],
      'status.active': 1,
    },
    says: [
      'status.conditions: Invalid value: cannot set Complete=True and Failed=true conditions',
      'status.completionTime: Required value: completionTime is required for Complete jobs',
      'status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition',
      'status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
      'status.active: Invalid value: 1: active>0 is invalid for finished job',
      'status.startTime: Required value: startTime is required for finished job',
    ],
  },
  {
    kind: 'batch/Job',
    onStatus: true,
    with: { 'status.completedIndexes': '1-x', 'status.failedIndexes': '0', 'status.ready': 1 },
    says: [
      'status.completedIndexes: Invalid value: "1-x": error parsing completedIndexes: too large index: "1"',
      'status.completedIndexes: Invalid value: "1-x": cannot set non-empty completedIndexes when non-indexed completion mode',
      'status.failedIndexes: Invalid value: "0": cannot set non-null failedIndexes when backoffLimitPerIndex is null',
      'status.ready: Invalid value: 1: cannot set more ready pods than active',
    ],
  },
  {
    kind: 'certificates.k8s.io/CertificateSigningRequest',
    onStatus: true,
    with: { 'status.certificate': 'eA==', 'status.conditions': [{ type: 'Approved', status: 'True' }] },
    says: [
      'status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block',
      'status.conditions: Forbidden: updates may not add a condition of type "Approved"',
    ],
  },
  {
    kind: 'resource.k8s.io/ResourceClaim',
    onStatus: true,
    with: {
      'status.reservedFor': [
        { resource: '', name: 'p', uid: 'u' },
        { resource: 'pods', name: 'q', uid: 'u' },
      ],
    },
    says: [
      'status.reservedFor[0].resource: Required value',
      'status.reservedFor[1]: Duplicate value: "u"',
      'status.reservedFor: Forbidden: may not be specified when `allocated` is not set',
    ],
  },
  {
    kind: 'resource.k8s.io/ResourceClaim',
    onStatus: true,
    with: {
      'status.allocation': { devices: { results: [{ request: 'no', driver: 'd', pool: '', device: 'D' }] } },
    },
    says: [
      'status.allocation.devices.results[0].request: Invalid value: "no": must be the name of a request in the claim or the name of a request and a subrequest separated by \'/\'',
      'status.allocation.devices.results[0].pool: Required value',
      "status.allocation.devices.results[0].device: Invalid value: \"D\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ],
  },
  {
    kind: 'flowcontrol.apiserver.k8s.io/FlowSchema',
    onStatus: true,
    with: {
      'status.conditions': [
        { type: 'A', status: 'Maybe' },
        { type: 'A', status: 'True' },
      ],
    },
    says: ['status.conditions[1].type: Duplicate value: "A"'],
  },
  {
    kind: 'apiregistration.k8s.io/APIService',
    onStatus: true,
    with: { 'status.conditions': [{ type: 'Available', status: 'Maybe' }] },
    says: [
      'status.conditions[0].status: Unsupported value: "Maybe": supported values: "True", "False", "Unknown"',
    ],
  },
]);
