import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeepPartial } from '#api/object.ts';
import type {
  ValidatingAdmissionPolicySpec,
  ValidatingAdmissionPolicyStatus,
} from '#api/types/admissionregistration.v1.ts';
import { CUSTOM_RESOURCE_DEFINITION, VALIDATING_ADMISSION_POLICY } from '#api/types/resources.ts';
import { startInProcessCluster, type InProcessCluster } from './in-process-cluster.ts';

async function statusOf(
  { client, clock }: InProcessCluster,
  spec: DeepPartial<ValidatingAdmissionPolicySpec>,
): Promise<ValidatingAdmissionPolicyStatus> {
  const policies = client.of(VALIDATING_ADMISSION_POLICY);
  await policies.create({ metadata: { name: 'p' }, spec });
  let status: ValidatingAdmissionPolicyStatus = {};
  for (let tries = 0; tries < 100 && status.observedGeneration === undefined; tries++) {
    await clock.advance(1);
    await new Promise((resolve) => setImmediate(resolve));
    ({ status } = await policies.get('', 'p'));
  }
  await policies.delete('', 'p');
  return status;
}

const on = (apiGroup: string, ...resources: readonly string[]) => ({
  resourceRules: [
    {
      operations: ['CREATE' as const],
      apiGroups: [apiGroup],
      apiVersions: ['v1'],
      resources: [...resources],
    },
  ],
});

test('type checking: expressions are held against the types of what they judge', async () => {
  await using cluster = await startInProcessCluster();
  assert.deepEqual(
    await statusOf(cluster, {
      matchConstraints: on('apps', 'deployments'),
      variables: [{ name: 'spec', expression: 'object.spec' }],
      validations: [
        { expression: 'object.spec.replicas > 1' },
        {
          expression: "object.spec.replicas > '1'",
          messageExpression: "'wants ' + string(object.spec.replicass)",
        },
        { expression: 'variables.spec.anything == true' },
        { expression: "object.metadata.creationTimestamp < timestamp('2000-01-01T00:00:00Z')" },
      ],
    }),
    {
      observedGeneration: 1,
      typeChecking: {
        expressionWarnings: [
          {
            fieldRef: 'spec.validations[1].expression',
            warning:
              "apps/v1, Kind=Deployment: compilation failed: ERROR: <input>:1:22: found no matching overload for '_>_' applied to '(int, string)'\n | object.spec.replicas > '1'\n | .....................^\n",
          },
          {
            fieldRef: 'spec.validations[1].messageExpression',
            warning:
              "apps/v1, Kind=Deployment: compilation failed: ERROR: <input>:1:30: undefined field 'replicass'\n | 'wants ' + string(object.spec.replicass)\n | .............................^\n",
          },
        ],
      },
    },
  );
});

test('type checking: nothing to say is said too, and wildcards are not checked', async () => {
  await using cluster = await startInProcessCluster();
  for (const [matchConstraints, expression] of [
    [on('apps', 'deployments', 'replicasets'), 'object.spec.replicas > 0'],
    [on('*', 'deployments'), 'object.nothing'],
    [on('apps', '*'), 'object.nothing'],
    [on('apps', 'nothing'), 'object.nothing'],
  ] as const) {
    const spec = { matchConstraints, validations: [{ expression: `dyn(${expression}) == true` }] };
    assert.deepEqual(await statusOf(cluster, spec), { observedGeneration: 1, typeChecking: {} }, expression);
  }
});

test('type checking: each kind of a rule has its warning, custom ones too', async () => {
  await using cluster = await startInProcessCluster();
  await cluster.client.of(CUSTOM_RESOURCE_DEFINITION).create({
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      names: { plural: 'widgets', kind: 'Widget' },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } },
            },
          },
        },
      ],
    },
  });
  await cluster.clock.advance(1000);
  const { typeChecking } = await statusOf(cluster, {
    matchConstraints: {
      resourceRules: [
        {
          operations: ['*'],
          apiGroups: ['', 'example.com'],
          apiVersions: ['v1'],
          resources: ['widgets', 'configmaps'],
        },
      ],
    },
    validations: [{ expression: "object.spec.size < 'x' || object.metadata.labels['a'] == 'b'" }],
  });
  assert.deepEqual(
    typeChecking?.expressionWarnings?.map(({ warning }) => warning),
    [
      "/v1, Kind=ConfigMap: compilation failed: ERROR: <input>:1:7: undefined field 'spec'\n | object.spec.size < 'x' || object.metadata.labels['a'] == 'b'\n | ......^\n\nexample.com/v1, Kind=Widget: compilation failed: ERROR: <input>:1:18: found no matching overload for '_<_' applied to '(int, string)'\n | object.spec.size < 'x' || object.metadata.labels['a'] == 'b'\n | .................^\n",
    ],
  );
});
