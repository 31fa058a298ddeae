import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attributes } from '../../authz/authorizer.ts';
import { ObjectsInMemory } from '../../object-reader.fixture.ts';
import type { AdmissionAttributes } from '../admission.ts';
import { refusalOf, writeOf } from '../admission.fixture.ts';
import { ParamAccess } from './param-access.ts';

const GROUP = 'admissionregistration.k8s.io/v1';
const PARAM_KIND = { apiVersion: 'v1', kind: 'ConfigMap' };

function policy(paramKind: object | undefined): object {
  return {
    apiVersion: GROUP,
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: 'p' },
    spec: { paramKind },
  };
}

function binding(policyName: string, paramRef: object | undefined): object {
  return {
    apiVersion: GROUP,
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: 'b' },
    spec: { policyName, paramRef },
  };
}

/** A plugin for a user who may do nothing, with a policy that is stored; and what it asked about. */
function start(outcome: 'allow' | 'noOpinion' = 'noOpinion') {
  const reader = new ObjectsInMemory();
  reader.put(policy(PARAM_KIND));
  const asked: string[] = [];
  const plugin = new ParamAccess({
    reader,
    kinds: {
      find: ({ kind }) =>
        kind === 'ConfigMap'
          ? { resource: 'configmaps', isNamespaced: true, get: async () => undefined, list: async () => [] }
          : undefined,
      structOf: () => undefined,
    },
    authorizer: {
      authorize({ verb, apiGroup, apiVersion, resource, namespace, name }: Attributes) {
        asked.push([verb, apiGroup, apiVersion, resource, namespace, name].join(' '));
        return { outcome, reason: '' };
      },
    },
  });
  const write = (object: object, changes: Partial<AdmissionAttributes> = {}): Promise<string> =>
    refusalOf(plugin, writeOf(object, changes));
  return { asked, write };
}

test('param access: who names a kind of parameters can read all of them', async () => {
  const { asked, write } = start();
  const user = { name: 'eve', groups: ['a', 'b'], extra: { scopes: ['x', 'y'] } };
  assert.deepEqual(
    [
      await write(policy(PARAM_KIND), { user }),
      await write(policy({ apiVersion: 'example.com/v1', kind: 'Gone' })),
      await write(policy(undefined)),
      await write(policy(PARAM_KIND), {
        operation: 'UPDATE',
        oldObject: writeOf(policy(PARAM_KIND)).object,
      }),
      await write(policy(PARAM_KIND), { user: { ...user, groups: ['system:masters'] } }),
      await start('allow').write(policy(PARAM_KIND)),
    ],
    [
      '422 ValidatingAdmissionPolicy.admissionregistration.k8s.io "p" is invalid: spec.paramKind: Forbidden: user &{eve  [a b] map[scopes:[x y]]} must have "get" permission on all objects of the referenced paramKind (kind=ConfigMap, apiVersion=v1)',
      '422 ValidatingAdmissionPolicy.admissionregistration.k8s.io "p" is invalid: spec.paramKind: Forbidden: user &{eve  [] map[]} must have "get" permission on all objects of the referenced paramKind (kind=Gone, apiVersion=example.com/v1)',
      'admitted',
      'admitted',
      'admitted',
      'admitted',
    ],
  );
  assert.deepEqual(asked, ['get  v1 configmaps * *', 'get example.com v1 * * *']);
});

test('param access: who names parameters can read them', async () => {
  const { asked, write } = start();
  const paramRef = { name: 'limits', namespace: 'team', parameterNotFoundAction: 'Deny' };
  const stored = writeOf(binding('p', paramRef)).object;
  assert.deepEqual(
    [
      await write(binding('p', paramRef)),
      await write(binding('gone', paramRef), { operation: 'UPDATE', oldObject: stored }),
      await write(binding('p', paramRef), { operation: 'UPDATE', oldObject: stored }),
      await write(binding('p', undefined)),
    ],
    [
      ...['', ''].map(
        () =>
          '422 ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io "b" is invalid: spec.paramRef: Forbidden: user &{eve  [] map[]} does not have "get" permission on the object referenced by paramRef',
      ),
      'admitted',
      'admitted',
    ],
  );
  assert.deepEqual(asked, ['get  v1 configmaps team limits', 'get * * * team limits']);
});
