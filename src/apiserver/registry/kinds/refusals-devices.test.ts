import { testRefusals } from './refusals.fixture.ts';

testRefusals([
  {
    kind: 'resource.k8s.io/DeviceClass',
    with: {
      'spec.selectors': [{}],
      'spec.config': [{ opaque: { driver: 'D_', parameters: {} } }],
      'spec.extendedResourceName': 'cpu',
    },
    says: [
      'spec.selectors[0].cel: Required value',
      "spec.config[0].opaque.driver: Invalid value: \"D_\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      'spec.extendedResourceName: Invalid value: "cpu": must be a valid extended resource name',
    ],
  },
  {
    kind: 'resource.k8s.io/ResourceClaim',
    with: {
      'spec.devices.requests': [
        { name: 'a' },
        { name: 'a', exactly: { deviceClassName: '', allocationMode: 'All', count: 1 } },
      ],
    },
    says: [
      'spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required',
      'spec.devices.requests[1].exactly.deviceClassName: Required value',
      "spec.devices.requests[1].exactly.count: Invalid value: 1: must not be specified when allocationMode is 'All'",
      'spec.devices.requests[1]: Duplicate value: "a"',
    ],
  },
  {
    kind: 'resource.k8s.io/ResourceClaim',
    with: { 'spec.devices.constraints': [{ requests: ['x', 'gpu', 'gpu'], matchAttribute: 'model' }, {}] },
    says: [
      'spec.devices.constraints[0].requests[0]: Invalid value: "x": must be the name of a request in the claim or the name of a request and a subrequest separated by \'/\'',
      'spec.devices.constraints[0].requests[2]: Duplicate value: "gpu"',
      'spec.devices.constraints[0].matchAttribute: Invalid value: "model": a fully qualified name must be a domain and a name separated by a slash',
      'spec.devices.constraints[1]: Required value: exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set',
    ],
  },
  {
    kind: 'resource.k8s.io/ResourceClaim',
    onUpdate: true,
    with: { 'spec.devices.requests.0.name': 'b' },
    says: [
      'spec: Invalid value: {"devices":{"requests":[{"name":"b","exactly":{"count":1,"allocationMode":"ExactCount","deviceClassName":"gpu.example.com"}}]}}: field is immutable',
    ],
  },
  {
    kind: 'resource.k8s.io/ResourceClaimTemplate',
    with: { 'spec.metadata': { labels: { '-': 'a' } }, 'spec.spec.devices.config': [{ requests: ['no'] }] },
    says: [
      "spec.metadata.labels: Invalid value: \"-\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
      'spec.spec.devices.config[0].requests[0]: Invalid value: "no": must be the name of a request in the claim or the name of a request and a subrequest separated by \'/\'',
      'spec.spec.devices.config[0].opaque: Required value',
    ],
  },
  {
    kind: 'resource.k8s.io/ResourceClaimTemplate',
    onUpdate: true,
    with: { 'spec.spec.devices.requests': [] },
    says: ['spec: Invalid value: {"metadata":{},"spec":{"devices":{"requests":[]}}}: field is immutable'],
  },
  {
    kind: 'resource.k8s.io/ResourceSlice',
    with: { 'spec.allNodes': true, 'spec.pool': { name: '', generation: -1, resourceSliceCount: 0 } },
    says: [
      'spec.pool.name: Required value',
      'spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero',
      'spec.pool.generation: Invalid value: -1: must be greater than or equal to zero',
      'spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set',
    ],
  },
  {
    kind: 'resource.k8s.io/ResourceSlice',
    with: {
      'spec.devices.0': {
        name: 'D',
        attributes: { 'a/b/c': { string: 'x', int: 1 }, v: { version: '1' } },
        capacity: { m: { value: '2', requestPolicy: {} } },
        nodeName: 'n',
      },
    },
    says: [
      "spec.devices[0].name: Invalid value: \"D\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
      'spec.devices[0].attributes: Invalid value: "a/b/c": must not contain more than one slash',
      'spec.devices[0].attributes[a/b/c]: Invalid value: {"int":1,"string":"x"}: exactly one value must be specified',
      'spec.devices[0].attributes[v].version: Invalid value: "1": must be a string compatible with semver.org spec 2.0.0',
      'spec.devices[0].capacity[m].requestPolicy: Forbidden: allowMultipleAllocations must be true',
      'spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec',
    ],
  },
  {
    kind: 'resource.k8s.io/ResourceSlice',
    onUpdate: true,
    with: { 'spec.driver': 'other', 'spec.pool.name': 'q', 'spec.nodeName': 'm' },
    says: [
      'spec.pool.name: Invalid value: "q": field is immutable',
      'spec.driver: Invalid value: "other": field is immutable',
      'spec.nodeName: Invalid value: "m": field is immutable',
    ],
  },
]);
