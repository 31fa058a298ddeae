import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject, DeepPartial } from '#api/object.ts';
import type {
  ValidatingAdmissionPolicyBindingSpec,
  ValidatingAdmissionPolicySpec,
} from '#api/types/admissionregistration.v1.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { MetricsRegistry } from '#base/metrics.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { NO_OPINION } from '../../authz/authorizer.ts';
import { ObjectsInMemory } from '../../object-reader.fixture.ts';
import type { AdmissionAttributes } from '../admission.ts';
import { refusalOf, writeOf } from '../admission.fixture.ts';
import { AdmissionMetrics } from '../admission-metrics.ts';
import { ValidatingPolicies } from './validating-policies.ts';

const GROUP = 'admissionregistration.k8s.io/v1';
const EVERYTHING = {
  resourceRules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }],
} as const;

function bound(
  name: string,
  spec: DeepPartial<ValidatingAdmissionPolicySpec>,
  binding: DeepPartial<ValidatingAdmissionPolicyBindingSpec>,
) {
  return [
    {
      apiVersion: GROUP,
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name },
      spec: { matchConstraints: EVERYTHING, ...spec },
    },
    {
      apiVersion: GROUP,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name: `${name}-binding` },
      spec: { policyName: name, ...binding },
    },
  ];
}

function start(...objects: readonly DeepPartial<ApiObject>[]) {
  const reader = new ObjectsInMemory();
  reader.put({ kind: 'Namespace', metadata: { name: 'default' } }, ...objects);
  const registry = new MetricsRegistry();
  const plugin = new ValidatingPolicies({
    reader,
    kinds: { find: () => undefined, structOf: () => undefined },
    authorizer: { authorize: () => NO_OPINION },
    clock: new VirtualClock(),
    log: SILENT_LOGGER,
    registry,
    metrics: () => new AdmissionMetrics(registry),
  });
  const said: string[] = [];
  const notes: Record<string, string> = {};
  const judge = (changes: Partial<AdmissionAttributes> = {}): Promise<string> =>
    refusalOf(
      plugin,
      writeOf(
        { kind: 'ConfigMap', metadata: { name: 'x' } },
        {
          warn: (text) => said.push(text),
          annotate: (key, value) => {
            notes[key] = value;
          },
          ...changes,
        },
      ),
    );
  return { reader, plugin, said, notes, judge, metrics: () => registry.render().split('\n') };
}

test('validating policies: a failure may warn, be noted in the audit event, or both', async () => {
  const validations = [{ expression: 'true' }, { expression: 'false', message: 'hm' }];
  const { said, notes, judge, metrics } = start(
    ...bound('p', { validations }, { validationActions: ['Warn', 'Audit'] }),
  );
  assert.equal(await judge(), 'admitted');
  assert.deepEqual(said, [
    "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p-binding': hm",
  ]);
  assert.deepEqual(JSON.parse(notes['validation.policy.admission.k8s.io/validation_failure'] ?? ''), [
    {
      message: 'hm',
      policy: 'p',
      binding: 'p-binding',
      expressionIndex: 1,
      validationActions: ['Warn', 'Audit'],
    },
  ]);
  for (const action of ['warn', 'audit']) {
    const line = `apiserver_validating_admission_policy_check_total{policy="p",policy_binding="p-binding",error_type="invalid_error",enforcement_action="${action}"} 1`;
    assert.ok(metrics().includes(line), line);
  }
});

test('validating policies: annotations are for the audit event; null is none, and what fails denies', async () => {
  const auditAnnotations = [
    { key: 'name', valueExpression: "'it is ' + object.metadata.name" },
    { key: 'nothing', valueExpression: 'null' },
    { key: 'blank', valueExpression: "'  '" },
  ];
  const { notes, judge } = start(
    ...bound('p', { auditAnnotations }, { validationActions: ['Deny'] }),
    ...bound('q', { auditAnnotations: [{ key: 'same', valueExpression: "'one'" }] }, {}),
  );
  assert.equal(await judge(), 'admitted');
  assert.deepEqual(notes, { 'p/name': 'it is x', 'q/same': 'one' });
  const failing = start(
    ...bound('p', { auditAnnotations: [{ key: 'k', valueExpression: 'string(object.none)' }] }, {}),
  );
  assert.equal(
    await failing.judge(),
    `422 configmaps "x" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p-binding' denied request: expression 'string(object.none)' resulted in error: no such key: none`,
  );
});

test('validating policies: what was stored and does not compile fails as the policy says', async () => {
  const validations = [{ expression: 'nonsense' }];
  const refused = start(...bound('p', { validations }, { validationActions: ['Deny'] }));
  assert.equal(
    await refused.judge(),
    `422 configmaps "x" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p-binding' denied request: compilation error: compilation failed: ERROR: <input>:1:1: undeclared reference to 'nonsense' (in container '')
 | nonsense
 | ^`,
  );
  const ignored = start(
    ...bound('p', { validations, failurePolicy: 'Ignore' }, { validationActions: ['Deny'] }),
  );
  assert.equal(await ignored.judge(), 'admitted');
});

test('validating policies: nothing is done without a binding, for policies themselves, or for a namespace that is gone', async () => {
  const [policy = {}, binding = {}] = bound(
    'p',
    { validations: [{ expression: 'false' }] },
    { validationActions: ['Deny'] },
  );
  const { reader, plugin, judge } = start(policy);
  assert.equal(plugin.isActive(), false);
  assert.equal(await judge(), 'admitted');
  reader.put(binding);
  assert.equal(plugin.isActive(), true);
  assert.equal(await refusalOf(plugin, writeOf(policy)), 'admitted');
  assert.match(await judge(), /^422 /);
  assert.equal(await judge({ namespace: 'gone' }), '404 namespaces "gone" not found');
});
