import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from '#api/object.ts';
import { ObjectsInMemory } from '../../object-reader.fixture.ts';
import { refusalOf, writeOf } from '../admission.fixture.ts';
import { PodResizeValidator } from './pod-resize-validator.ts';

const ALLOCATABLE = { cpu: '2', memory: '1Gi' };

function node(name: string, system: string): object {
  return {
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/os': system } },
    status: { allocatable: ALLOCATABLE },
  };
}

/** What becomes of a pod that is resized to ask for `requests`. */
function resize(nodeName: string, requests: object, generation = 2): Promise<string> {
  const reader = new ObjectsInMemory();
  reader.put(node('here', 'linux'), node('there', 'windows'));
  const pod = {
    kind: 'Pod',
    metadata: { name: 'p', generation },
    spec: { nodeName, containers: [{ name: 'c', resources: { requests } }] },
  };
  const oldObject = { ...pod, metadata: { ...pod.metadata, generation: 1 } } as unknown as ApiObject;
  return refusalOf(
    new PodResizeValidator(reader),
    writeOf(pod, { operation: 'UPDATE', subresource: 'resize', oldObject }),
  );
}

test('pod resize: a pod may not outgrow its node', async () => {
  assert.deepEqual(
    await Promise.all([
      resize('here', ALLOCATABLE),
      resize('here', { cpu: '2500m', memory: '2Gi' }),
      resize('here', { cpu: '2500m' }, 1),
      resize('', { cpu: '2500m' }),
    ]),
    [
      'admitted',
      `403 pods "p" is forbidden: Node didn't have enough allocatable resources: cpu, requested: 2500, allocatable: 2000; memory, requested: 2147483648, allocatable: 1073741824`,
      'admitted',
      'admitted',
    ],
  );
});

test('pod resize: the node has to be there and has to be able to', async () => {
  assert.deepEqual(
    [await resize('gone', { cpu: '1' }), await resize('there', { cpu: '1' })],
    [
      '403 pods "p" is forbidden: node "gone" not found',
      '403 pods "p" is forbidden: pod resize is only supported on linux nodes, node "there" is "windows"',
    ],
  );
});
