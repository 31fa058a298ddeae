import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldErrorText } from '../status-error.ts';
import type { Pod } from '../types/core.v1.ts';
import { resizedPod, validateEphemeralContainers, validateResize } from './pod-subresources.ts';

const CONTAINER = {
  name: 'c',
  image: 'i',
  imagePullPolicy: 'Always',
  terminationMessagePolicy: 'File',
  resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '2', 'example.com/gpu': '1' } },
};
const DEBUG = { ...CONTAINER, name: 'debug', resources: {} };

function pod(spec: object): Pod {
  const defaults = { restartPolicy: 'Always', dnsPolicy: 'ClusterFirst', terminationGracePeriodSeconds: 30 };
  return {
    metadata: { name: 'p', namespace: 'n' },
    spec: { ...defaults, containers: [CONTAINER], ...spec },
    status: {},
  } as unknown as Pod;
}

const withResources = (resources: object): Pod => pod({ containers: [{ ...CONTAINER, resources }] });

test('ephemeral containers: one is added, none is changed or removed', () => {
  const before = pod({ ephemeralContainers: [DEBUG] });
  const two = pod({ ephemeralContainers: [DEBUG, { ...DEBUG, name: 'second' }] });
  assert.deepEqual(validateEphemeralContainers(two, before), []);
  assert.deepEqual(validateEphemeralContainers(pod({}), before).map(fieldErrorText), [
    'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be removed\n',
  ]);
  const changed = pod({ ephemeralContainers: [{ ...DEBUG, image: 'j' }] });
  assert.deepEqual(validateEphemeralContainers(changed, before).map(fieldErrorText), [
    'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be changed\n',
  ]);
});

test('ephemeral containers: a target has to exist and ports are not for them', () => {
  const next = pod({
    ephemeralContainers: [
      { ...DEBUG, targetContainerName: 'x', ports: [{ containerPort: 1, protocol: 'TCP' }] },
    ],
  });
  assert.deepEqual(validateEphemeralContainers(next, pod({})).map(fieldErrorText), [
    'spec.ephemeralContainers[0].targetContainerName: Not found: "x"',
    'spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container',
  ]);
});

test('resize: CPU and memory change, devices do not, and nothing disappears', () => {
  const before = pod({});
  const limits = { cpu: '3', 'example.com/gpu': '1' };
  assert.deepEqual(
    validateResize(withResources({ requests: { cpu: '2', memory: '2Gi' }, limits }), before),
    [],
  );
  assert.deepEqual(
    validateResize(withResources({ requests: { cpu: '2' }, limits: { cpu: '3' } }), before).map(
      fieldErrorText,
    ),
    [
      'spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed',
      'spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed',
      'spec: Forbidden: only cpu and memory resources are mutable',
    ],
  );
});

test('resize: whatever else is sent is ignored', () => {
  const wanted = pod({ nodeName: 'elsewhere', containers: [{ ...CONTAINER, image: 'j', resources: {} }] });
  assert.deepEqual(resizedPod(wanted, pod({})).spec, withResources({}).spec);
});
