import { testRefusals } from './refusals.fixture.ts';

testRefusals([
  {
    kind: 'apps/StatefulSet',
    with: {
      'spec.podManagementPolicy': 'X',
      'spec.updateStrategy': { type: 'OnDelete', rollingUpdate: { partition: 1 } },
    },
    says: [
      "spec.podManagementPolicy: Invalid value: \"X\": must be 'OrderedReady' or 'Parallel'",
      'spec.updateStrategy.rollingUpdate: Invalid value: {"partition":1}: only allowed for updateStrategy \'RollingUpdate\'',
    ],
  },
  {
    kind: 'apps/StatefulSet',
    onUpdate: true,
    with: { 'spec.podManagementPolicy': 'Parallel' },
    says: [
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ],
  },
  {
    kind: 'apps/DaemonSet',
    with: { 'spec.selector': {}, 'spec.template.spec.activeDeadlineSeconds': 5 },
    says: [
      'spec.selector: Invalid value: {}: empty selector is invalid for daemonset',
      'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in DaemonSet is not Supported',
    ],
  },
  {
    kind: 'apps/ReplicaSet',
    with: { 'spec.selector': {}, 'spec.replicas': -1 },
    says: [
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
      'spec.selector: Invalid value: {}: empty selector is invalid for deployment',
    ],
  },
  {
    kind: 'apps/ControllerRevision',
    with: { revision: -1 },
    says: ['revision: Invalid value: -1: must be greater than or equal to 0'],
  },
  {
    kind: 'apps/ControllerRevision',
    onUpdate: true,
    with: { data: { a: 2 } },
    says: ['data: Invalid value: {"a":2}: field is immutable'],
  },
  {
    kind: 'batch/Job',
    with: { 'spec.completionMode': 'Indexed', 'spec.backoffLimit': -1 },
    says: ['spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0'],
  },
  {
    kind: 'batch/Job',
    with: {
      'spec.podFailurePolicy': {
        rules: [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [] } }],
      },
    },
    says: [
      'spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set',
      'spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: []: at least one value is required',
    ],
  },
  {
    kind: 'batch/Job',
    with: { 'spec.successPolicy': { rules: [{ succeededCount: 3 }] } },
    says: [
      'spec.successPolicy: Invalid value: {"rules":[{"succeededCount":3}]}: requires indexed completion mode',
    ],
  },
  {
    kind: 'batch/Job',
    onUpdate: true,
    with: { 'spec.completions': 3 },
    says: ['spec.completions: Invalid value: 3: field is immutable'],
  },
  {
    kind: 'batch/CronJob',
    with: {
      'spec.schedule': 'TZ=UTC * * * * *',
      'spec.concurrencyPolicy': 'X',
      'spec.startingDeadlineSeconds': -1,
    },
    says: [
      'spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
      'spec.startingDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0',
      'spec.concurrencyPolicy: Unsupported value: "X": supported values: "Allow", "Forbid", "Replace"',
    ],
  },
  {
    kind: 'batch/CronJob',
    with: {
      'metadata.name': 'nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn',
      'spec.jobTemplate.spec.manualSelector': true,
    },
    says: [
      'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"',
      'metadata.name: Invalid value: "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn": must be no more than 52 characters',
    ],
  },
  {
    kind: 'autoscaling/HorizontalPodAutoscaler',
    with: {
      'spec.minReplicas': 0,
      'spec.metrics': [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization' } } }],
    },
    says: [
      'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1',
      'spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization',
      'spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas',
    ],
  },
  {
    kind: 'autoscaling/HorizontalPodAutoscaler',
    with: { 'spec.behavior': { scaleUp: { policies: [{ type: 'Pods', value: 0, periodSeconds: 5000 }] } } },
    says: [
      'spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero',
      'spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 5000: must be less than or equal to 1800',
    ],
  },
  {
    kind: 'policy/PodDisruptionBudget',
    with: { 'spec.maxUnavailable': 1 },
    says: [
      'spec: Invalid value: {"minAvailable":"50%","selector":{"matchLabels":{"app":"web"}},"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set',
    ],
  },
  {
    kind: 'policy/PodDisruptionBudget',
    with: { 'spec.unhealthyPodEvictionPolicy': 'X', 'spec.selector': { matchLabels: { '-': 'a' } } },
    says: [
      "spec.selector.matchLabels: Invalid value: \"-\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
      'spec.unhealthyPodEvictionPolicy: Unsupported value: "X": supported values: "AlwaysAllow", "IfHealthyBudget"',
    ],
  },
  {
    kind: 'scheduling.k8s.io/PriorityClass',
    with: { 'metadata.name': 'system-x', preemptionPolicy: 'X' },
    says: [
      "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-x is not a known system priority class",
      'preemptionPolicy: Unsupported value: "X": supported values: "PreemptLowerPriority", "Never"',
    ],
  },
  {
    kind: 'scheduling.k8s.io/PriorityClass',
    onUpdate: true,
    with: { value: 6, preemptionPolicy: 'Never' },
    says: [
      'value: Forbidden: may not be changed in an update.',
      'preemptionPolicy: Invalid value: "Never": field is immutable',
    ],
  },
  {
    kind: 'node.k8s.io/RuntimeClass',
    with: { handler: 'A', overhead: { podFixed: { cpu: '-1' } } },
    says: [
      "handler: Invalid value: \"A\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
      'overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
    ],
  },
  {
    kind: 'node.k8s.io/RuntimeClass',
    onUpdate: true,
    with: { handler: 'other' },
    says: ['handler: Invalid value: "other": field is immutable'],
  },
  {
    kind: 'coordination.k8s.io/Lease',
    with: { 'spec.leaseDurationSeconds': 0, 'spec.leaseTransitions': -1 },
    says: [
      'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
      'spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0',
    ],
  },
]);
