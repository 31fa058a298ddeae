import { testRefusals } from './refusals.fixture.ts';

testRefusals([
  {
    kind: 'storage.k8s.io/CSIDriver',
    with: { 'metadata.name': '-', 'spec.fsGroupPolicy': 'X', 'spec.volumeLifecycleModes': ['Y'] },
    says: [
      "metadata.name: Invalid value: \"-\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      'spec.fsGroupPolicy: Unsupported value: "X": supported values: "File", "None", "ReadWriteOnceWithFSType"',
      'spec.volumeLifecycleModes: Unsupported value: "Y": supported values: "Persistent", "Ephemeral"',
    ],
  },
  {
    kind: 'storage.k8s.io/CSIDriver',
    onUpdate: true,
    with: { 'spec.attachRequired': false },
    says: ['spec.attachedRequired: Invalid value: false: field is immutable'],
  },
  {
    kind: 'storage.k8s.io/CSINode',
    with: { 'spec.drivers.0': { name: '', nodeID: '', topologyKeys: ['a', 'a'] } },
    says: [
      'spec.drivers[0].name: Required value',
      "spec.drivers[0].name: Invalid value: \"\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      'spec.drivers[0].nodeID: Required value',
      'spec.drivers[0]: Duplicate value: "a"',
    ],
  },
  {
    kind: 'storage.k8s.io/CSINode',
    onUpdate: true,
    with: { 'spec.drivers.0.nodeID': 'x' },
    says: [
      'CSINodeDriver: Invalid value: {"name":"a.example.com","nodeID":"x","topologyKeys":[]}: field is immutable',
    ],
  },
  {
    kind: 'storage.k8s.io/CSIStorageCapacity',
    with: { storageClassName: '', capacity: '-1' },
    says: [
      "storageClassName: Invalid value: \"\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      'capacity: Invalid value: "-1": must be greater than or equal to 0',
    ],
  },
  {
    kind: 'storage.k8s.io/CSIStorageCapacity',
    onUpdate: true,
    with: { storageClassName: 'slow' },
    says: ['storageClassName: Invalid value: "slow": field is immutable'],
  },
  {
    kind: 'storage.k8s.io/StorageClass',
    with: { provisioner: '', reclaimPolicy: 'X', volumeBindingMode: 'Y' },
    says: [
      'provisioner: Required value',
      'reclaimPolicy: Unsupported value: "X": supported values: "Delete", "Retain"',
      'volumeBindingMode: Unsupported value: "Y": supported values: "Immediate", "WaitForFirstConsumer"',
    ],
  },
  {
    kind: 'storage.k8s.io/StorageClass',
    onUpdate: true,
    with: {
      provisioner: 'x',
      parameters: { a: 'b' },
      reclaimPolicy: 'Retain',
      volumeBindingMode: 'WaitForFirstConsumer',
    },
    says: [
      'parameters: Forbidden: updates to parameters are forbidden.',
      'provisioner: Forbidden: updates to provisioner are forbidden.',
      'reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.',
      'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
    ],
  },
  {
    kind: 'storage.k8s.io/VolumeAttachment',
    with: { 'spec.attacher': '', 'spec.nodeName': '', 'spec.source': {} },
    says: [
      'spec.attacher: Required value',
      'spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName',
      "spec.nodeName: Invalid value: \"\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      'spec.attacher: Required value',
      "spec.attacher: Invalid value: \"\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
  },
  {
    kind: 'storage.k8s.io/VolumeAttachment',
    onUpdate: true,
    with: { 'spec.nodeName': 'm' },
    says: [
      'spec: Invalid value: {"attacher":"a.example.com","source":{"persistentVolumeName":"pv"},"nodeName":"m"}: field is immutable',
    ],
  },
  {
    kind: 'storage.k8s.io/VolumeAttributesClass',
    with: { driverName: '', parameters: {} },
    says: [
      'driverName: Required value',
      "driverName: Invalid value: \"\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      'parameters: Required value: must contain at least one key/value pair',
    ],
  },
  {
    kind: 'storage.k8s.io/VolumeAttributesClass',
    onUpdate: true,
    with: { driverName: 'b', parameters: { a: 'b' } },
    says: [
      'driverName: Forbidden: updates to driverName are forbidden.',
      'parameters: Forbidden: updates to parameters are forbidden.',
    ],
  },
]);
