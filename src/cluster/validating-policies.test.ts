import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusError } from '#api/status-error.ts';
import type {
  ValidatingAdmissionPolicyBindingSpec,
  ValidatingAdmissionPolicySpec,
} from '#api/types/admissionregistration.v1.ts';
import type { DeepPartial } from '#api/object.ts';
import { CONFIG_MAP, NAMESPACE } from '#api/types/resources.ts';
import { bindPolicy, CONFIG_MAPS, unbindPolicy } from './admission-policies.fixture.ts';
import { startInProcessCluster } from './in-process-cluster.ts';
import { outcome } from './outcome.fixture.ts';
import { aConfigMap } from './webhook-server.fixture.ts';

const DENIED = `configmaps "x" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request:`;

/** A hundred thousand rounds. */
const HEAVY =
  '[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, a+b+c+d+e > 0)))))';

type Spec = DeepPartial<ValidatingAdmissionPolicySpec>;

// The map that is created is `x` in `default`, with the data `key: value`.
const judged: readonly (readonly [name: string, spec: Spec, heard: string])[] = [
  ['what holds', { validations: [{ expression: "object.data.key == 'value'" }] }, 'done'],
  [
    'the expression when nothing else is said',
    { validations: [{ expression: ' object.data.key == "other" ' }] },
    `422 ${DENIED} failed expression: object.data.key == "other"`,
  ],
  [
    'the message',
    { validations: [{ expression: 'false', message: ' not this way ' }] },
    `422 ${DENIED} not this way`,
  ],
  [
    'the message that an expression makes',
    {
      validations: [{ expression: 'false', message: 'plain', messageExpression: "'not ' + object.data.key" }],
    },
    `422 ${DENIED} not value`,
  ],
  [
    'the plain message when the made one fails',
    {
      validations: [{ expression: 'false', message: 'plain', messageExpression: 'string(object.data.none)' }],
    },
    `422 ${DENIED} plain`,
  ],
  [
    'the plain message when the made one has two lines',
    {
      validations: [
        { expression: 'false', message: 'plain', messageExpression: "'two\\nlines' + object.data.key" },
      ],
    },
    `422 ${DENIED} plain`,
  ],
  [
    'the reason, which decides the code',
    { validations: [{ expression: 'false', reason: 'Forbidden' }] },
    `403 ${DENIED} failed expression: false`,
  ],
  [
    'the first of several',
    { validations: [{ expression: 'true' }, { expression: '1 == 2' }, { expression: '1 == 3' }] },
    `422 ${DENIED} failed expression: 1 == 2`,
  ],
  [
    'an expression that fails',
    { validations: [{ expression: 'object.data.none == 1' }] },
    `422 ${DENIED} expression 'object.data.none == 1' resulted in error: no such key: none`,
  ],
  [
    'a failure that is ignored',
    { failurePolicy: 'Ignore', validations: [{ expression: 'object.data.none == 1' }] },
    'done',
  ],
  [
    'variables, which see those before them',
    {
      variables: [
        { name: 'key', expression: 'object.data.key' },
        { name: 'twice', expression: 'variables.key + variables.key' },
      ],
      validations: [{ expression: "variables.twice == 'x'", messageExpression: 'string(variables.twice)' }],
    },
    `422 ${DENIED} valuevalue`,
  ],
  [
    'a variable that fails, only when it is used',
    {
      variables: [{ name: 'none', expression: 'object.data.none' }],
      validations: [{ expression: "has(object.data.key) || variables.none == 'x'" }],
    },
    'done',
  ],
  [
    'a variable that fails',
    {
      variables: [{ name: 'none', expression: 'object.data.none' }],
      validations: [{ expression: "variables.none == 'x'" }],
    },
    `422 ${DENIED} expression 'variables.none == 'x'' resulted in error: composited variable "none" fails to evaluate: no such key: none`,
  ],
  [
    'match conditions',
    {
      matchConditions: [{ name: 'c', expression: "object.data.key == 'other'" }],
      validations: [{ expression: 'false' }],
    },
    'done',
  ],
  [
    'match conditions that fail',
    {
      matchConditions: [{ name: 'c', expression: 'object.data.none == 1' }],
      validations: [{ expression: 'false' }],
    },
    `422 ${DENIED} expression 'object.data.none == 1' resulted in error: no such key: none`,
  ],
  ['the namespace', { validations: [{ expression: "namespaceObject.metadata.name == 'default'" }] }, 'done'],
  [
    'the request',
    {
      validations: [
        {
          expression:
            "request.name == 'x' && request.namespace == 'default' && request.operation == 'CREATE' && !request.dryRun && request.kind.kind == 'ConfigMap' && request.options.kind == 'CreateOptions'",
        },
      ],
    },
    'done',
  ],
  [
    'what the user may do',
    { validations: [{ expression: "authorizer.path('/healthz').check('get').allowed()" }] },
    'done',
  ],
  [
    'too much work',
    {
      validations: [
        {
          expression: HEAVY,
        },
      ],
    },
    `422 ${DENIED} expression '${HEAVY}' resulted in error: operation cancelled: actual cost limit exceeded`,
  ],
  [
    'names that are left out',
    {
      matchConstraints: {
        ...CONFIG_MAPS,
        excludeResourceRules: [{ ...CONFIG_MAPS.resourceRules[0], resourceNames: ['x'] }],
      },
      validations: [{ expression: 'false' }],
    },
    'done',
  ],
  [
    'names that are not asked for',
    {
      matchConstraints: { resourceRules: [{ ...CONFIG_MAPS.resourceRules[0], resourceNames: ['y'] }] },
      validations: [{ expression: 'false' }],
    },
    'done',
  ],
  [
    'selectors',
    {
      matchConstraints: { ...CONFIG_MAPS, namespaceSelector: { matchLabels: { none: 'such' } } },
      validations: [{ expression: 'false' }],
    },
    'done',
  ],
  [
    'parameters that are not there',
    {
      paramKind: { apiVersion: 'v1', kind: 'Nothing' },
      validations: [{ expression: 'true' }],
    },
    `422 configmaps "x" is forbidden: ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: failed to find resource referenced by paramKind: '/v1, Kind=Nothing'`,
  ],
];

test('validating policies: what they say of a write', async () => {
  await using cluster = await startInProcessCluster();
  const maps = cluster.client.of(CONFIG_MAP);
  for (const [name, spec, heard] of judged) {
    await bindPolicy(cluster, 'p', spec);
    assert.equal(await outcome(() => maps.create(aConfigMap('x'))), heard, name);
    await unbindPolicy(cluster, 'p');
    await outcome(() => maps.delete('default', 'x'));
  }
});

test('validating policies: bindings choose parameters', async () => {
  await using cluster = await startInProcessCluster();
  const maps = cluster.client.of(CONFIG_MAP);
  await cluster.client.of(NAMESPACE).create({ metadata: { name: 'limits' } });
  const limit = (name: string, max: string) => ({
    metadata: { namespace: 'limits', name, labels: { use: 'limit' } },
    data: { max },
  });
  await maps.create(limit('small', '3'));
  await maps.create(limit('large', '9'));
  const spec: Spec = {
    paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
    // The namespace of the parameters has to stay out of what they judge.
    matchConditions: [{ name: 'own', expression: "request.namespace == 'default'" }],
    validations: [
      {
        expression: 'params == null || object.data.key.size() <= int(params.data.max)',
        messageExpression: "'more than ' + params.data.max + ' in ' + params.metadata.name",
      },
    ],
  };
  const prefix =
    "422 configmaps \"x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request:";
  type Reference = DeepPartial<ValidatingAdmissionPolicyBindingSpec>['paramRef'];
  const cases: readonly (readonly [paramRef: Reference, heard: string])[] = [
    [undefined, 'done'],
    [
      { name: 'small', namespace: 'limits', parameterNotFoundAction: 'Deny' },
      `${prefix} more than 3 in small`,
    ],
    [{ name: 'large', namespace: 'limits', parameterNotFoundAction: 'Deny' }, 'done'],
    [
      {
        selector: { matchLabels: { use: 'limit' } },
        namespace: 'limits',
        parameterNotFoundAction: 'Deny',
      },
      `${prefix} more than 3 in small`,
    ],
    [{ name: 'none', namespace: 'limits', parameterNotFoundAction: 'Allow' }, 'done'],
    [
      { name: 'none', namespace: 'limits', parameterNotFoundAction: 'Deny' },
      `${prefix} failed to configure binding: no params found for policy binding with \`Deny\` parameterNotFoundAction`,
    ],
    [
      // Without a namespace of its own it is the request's.
      { name: 'small', parameterNotFoundAction: 'Deny' },
      `${prefix} failed to configure binding: no params found for policy binding with \`Deny\` parameterNotFoundAction`,
    ],
  ];
  for (const [paramRef, heard] of cases) {
    await bindPolicy(cluster, 'p', spec, paramRef === undefined ? {} : { paramRef });
    assert.equal(await outcome(() => maps.create(aConfigMap('x'))), heard, JSON.stringify(paramRef));
    await unbindPolicy(cluster, 'p');
    await outcome(() => maps.delete('default', 'x'));
  }
});

test('validating policies: a denial is a status with its cause', async () => {
  await using cluster = await startInProcessCluster();
  await bindPolicy(cluster, 'denies', { validations: [{ expression: 'false', reason: 'Forbidden' }] });
  await assert.rejects(
    cluster.client.of(CONFIG_MAP).create(aConfigMap('y')),
    (error) =>
      error instanceof StatusError &&
      error.reason === 'Forbidden' &&
      error.details?.causes?.[0]?.message ===
        "ValidatingAdmissionPolicy 'denies' with binding 'denies' denied request: failed expression: false",
  );
});
