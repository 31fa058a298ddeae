import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusError } from '#api/status-error.ts';
import type { ValidatingWebhook } from '#api/types/admissionregistration.v1.ts';
import {
  MUTATING_ADMISSION_POLICY,
  MUTATING_ADMISSION_POLICY_BINDING,
  VALIDATING_ADMISSION_POLICY,
  VALIDATING_ADMISSION_POLICY_BINDING,
  VALIDATING_WEBHOOK_CONFIGURATION,
} from '#api/types/resources.ts';
import { CONFIG_MAPS } from './admission-policies.fixture.ts';
import { startInProcessCluster } from './in-process-cluster.ts';

/** The causes of a refusal, as `field: message`. */
async function causes(run: () => Promise<unknown>): Promise<readonly string[]> {
  try {
    await run();
    return [];
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    return (error.details?.causes ?? []).map(({ field = '', message = '' }) => `${field}: ${message}`);
  }
}

const UNDECLARED = (name: string, column = 1): string =>
  `compilation failed: ERROR: <input>:1:${column}: undeclared reference to '${name}' (in container '')`;

const policies: readonly (readonly [name: string, spec: object, problems: readonly string[]])[] = [
  ['good', { validations: [{ expression: 'true' }] }, []],
  [
    'nothing at all',
    { matchConstraints: undefined },
    [
      'spec.matchConstraints: Required value',
      'spec.validations: Required value: validations or auditAnnotations must contain at least one item',
      'spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item',
    ],
  ],
  [
    'expressions of other types',
    {
      matchConditions: [{ name: 'c', expression: '1' }],
      validations: [{ expression: 'object.x', messageExpression: 'true' }],
      auditAnnotations: [{ key: 'k', valueExpression: '[1]' }],
    },
    [
      'spec.matchConditions[0].expression: Invalid value: "1": must evaluate to bool but got int',
      'spec.validations[0].expression: Invalid value: "object.x": must evaluate to bool but got dyn',
      'spec.validations[0].messageExpression: Invalid value: "true": must evaluate to string but got bool',
      'spec.auditAnnotations[0].valueExpression: Invalid value: "[1]": must evaluate to one of [string null_type] but got list(int)',
    ],
  ],
  [
    'names that are not there',
    {
      matchConditions: [{ name: 'c', expression: 'variables.x == 1' }],
      variables: [{ name: 'x', expression: 'params.y' }],
      validations: [{ expression: 'variables.x && variables.y', messageExpression: 'authorizer' }],
    },
    [
      `spec.matchConditions[0].expression: Invalid value: "variables.x == 1": ${UNDECLARED('variables')}\n | variables.x == 1\n | ^`,
      `spec.variables[0].expression: Invalid value: "params.y": ${UNDECLARED('params')}\n | params.y\n | ^`,
      `spec.validations[0].expression: Invalid value: "variables.x && variables.y": compilation failed: ERROR: <input>:1:25: undefined field 'y'\n | variables.x && variables.y\n | ........................^`,
      `spec.validations[0].messageExpression: Invalid value: "authorizer": ${UNDECLARED('authorizer')}\n | authorizer\n | ^`,
    ],
  ],
  [
    'no more than words',
    {
      failurePolicy: 'Maybe',
      paramKind: { apiVersion: 'a/b/c', kind: 'No!' },
      variables: [{ name: 'for', expression: ' ' }],
      validations: [{ expression: ' ', message: 'a\nb', reason: 'Because' }],
    },
    [
      'spec.failurePolicy: Unsupported value: "Maybe": supported values: "Fail", "Ignore"',
      'spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
      `spec.paramKind.kind: Invalid value: "No!": may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`,
      'spec.variables[0].name: Invalid value: "for": must be a valid CEL identifier',
      'spec.variables[0].expression: Required value: expression is not specified',
      'spec.validations[0].expression: Required value: expression is not specified',
      'spec.validations[0].message: Invalid value: "a\\nb": must not contain line breaks',
      'spec.validations[0].reason: Unsupported value: "Because": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
    ],
  ],
];

test('admission configurations: a policy is refused with what is wrong with its expressions', async () => {
  await using cluster = await startInProcessCluster();
  for (const [name, spec, problems] of policies) {
    const policy = { metadata: { name: 'p' }, spec: { matchConstraints: CONFIG_MAPS, ...spec } };
    const heard = await causes(() => cluster.client.of(VALIDATING_ADMISSION_POLICY).create(policy));
    assert.deepEqual(heard, problems, name);
  }
  const stored = await cluster.client.of(VALIDATING_ADMISSION_POLICY).get('', 'p');
  const changed = { ...stored, spec: { ...stored.spec, validations: [{ expression: 'oops' }] } };
  assert.equal(
    (await causes(() => cluster.client.of(VALIDATING_ADMISSION_POLICY).update(changed))).length,
    1,
  );
});

test('admission configurations: bindings, and policies that change objects', async () => {
  await using cluster = await startInProcessCluster();
  const binding = (spec: object) => ({ metadata: { name: 'b' }, spec });
  assert.deepEqual(
    await causes(() =>
      cluster.client.of(VALIDATING_ADMISSION_POLICY_BINDING).create(
        binding({
          policyName: 'P',
          paramRef: { name: 'x', selector: {} },
          matchResources: { resourceRules: [{ operations: ['GET'] }] },
          validationActions: ['Deny', 'Warn', 'Deny'],
        }),
      ),
    ),
    [
      `spec.policyName: Invalid value: "P": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
      'spec.paramRef.name: Forbidden: name and selector are mutually exclusive',
      'spec.paramRef.selector: Forbidden: name and selector are mutually exclusive',
      'spec.paramRef.parameterNotFoundAction: Required value',
      'spec.matchResources.resourceRules[0].operations[0]: Unsupported value: "GET": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"',
      'spec.matchResources.resourceRules[0].apiGroups: Required value',
      'spec.matchResources.resourceRules[0].apiVersions: Required value',
      'spec.matchResources.resourceRules[0].resources: Required value',
      'spec.validationActions[2]: Duplicate value: "Deny"',
      'spec.validationActions: Invalid value: ["Deny","Warn","Deny"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
    ],
  );
  assert.deepEqual(
    await causes(() =>
      cluster.client.of(MUTATING_ADMISSION_POLICY_BINDING).create(binding({ policyName: 'p' })),
    ),
    [],
  );
  const deletes = { resourceRules: [{ ...CONFIG_MAPS.resourceRules[0], operations: ['DELETE'] }] };
  assert.deepEqual(
    await causes(() =>
      cluster.client.of(MUTATING_ADMISSION_POLICY).create({
        metadata: { name: 'm' },
        spec: {
          matchConstraints: deletes,
          mutations: [
            { patchType: 'JSONPatch', jsonPatch: { expression: '[1]' } },
            { patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object.spec{}' } },
            { patchType: 'JSONPatch', applyConfiguration: { expression: 'Object{}' } },
            { patchType: 'Other' },
          ],
        } as object,
      }),
    ),
    [
      'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
      'spec.mutations[0].jsonPatch.expression: Invalid value: "[1]": must evaluate to list(JSONPatch) but got list(int)',
      'spec.mutations[1].applyConfiguration.expression: Invalid value: "Object.spec{}": must evaluate to Object but got Object.spec',
      'spec.mutations[2].jsonPatch: Required value: must be specified when patchType is JSONPatch',
      'spec.mutations[2].applyConfiguration: Invalid value: "{applyConfiguration}": must not be specified when patchType is JSONPatch',
      'spec.mutations[3].patchType: Unsupported value: "Other": supported values: "ApplyConfiguration", "JSONPatch"',
      'spec.reinvocationPolicy: Required value',
    ],
  );
  assert.deepEqual(
    await causes(() =>
      cluster.client.of(MUTATING_ADMISSION_POLICY).create({
        metadata: { name: 'm' },
        spec: {
          matchConstraints: CONFIG_MAPS,
          reinvocationPolicy: 'Never',
          mutations: [
            {
              patchType: 'JSONPatch',
              jsonPatch: {
                expression:
                  "[JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('a/b'), value: 'c'}, JSONPatch{op: 'add', path: '/data', value: Object.data{a: 'b'}}]",
              },
            },
            {
              patchType: 'ApplyConfiguration',
              applyConfiguration: { expression: "Object{metadata: Object.metadata{labels: {'a': 'b'}}}" },
            },
          ],
        },
      }),
    ),
    [],
  );
});

test('admission configurations: match conditions of webhooks are compiled', async () => {
  await using cluster = await startInProcessCluster();
  const configurations = cluster.client.of(VALIDATING_WEBHOOK_CONFIGURATION);
  const webhook = (...expressions: readonly string[]): Partial<ValidatingWebhook> => ({
    name: 'a.b.c',
    clientConfig: { url: 'https://localhost' },
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    matchConditions: expressions.map((expression, index) => ({
      name: index > 1 ? 'c1' : `c${index}`,
      expression,
    })),
  });
  assert.deepEqual(
    await causes(() =>
      configurations.create({
        metadata: { name: 'w' },
        webhooks: [webhook('params.x', "'text'", 'true', ' ')],
      }),
    ),
    [
      `webhooks[0].matchConditions[0].expression: Invalid value: "params.x": ${UNDECLARED('params')}\n | params.x\n | ^`,
      `webhooks[0].matchConditions[1].expression: Invalid value: "'text'": must evaluate to bool but got string`,
      'webhooks[0].matchConditions[2].name: Duplicate value: "c1"',
      'webhooks[0].matchConditions[3].expression: Required value',
      'webhooks[0].matchConditions[3].name: Duplicate value: "c1"',
    ],
  );
});
