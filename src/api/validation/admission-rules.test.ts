import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceOfKind } from '#api/resource-table.ts';
import { defined } from '#base/assert.ts';
import { validatorFor } from './validators.ts';

const KIND = { group: 'admissionregistration.k8s.io', version: 'v1', kind: 'MutatingWebhookConfiguration' };
const RULE = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] };
const GOOD = {
  name: 'a.hooks.example',
  clientConfig: { url: 'https://example.com/hook' },
  rules: [RULE],
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
};

function problemsOf(change: object): readonly string[] {
  const validator = validatorFor(defined(resourceOfKind(KIND), 'the resource'));
  const object = {
    apiVersion: `${KIND.group}/v1`,
    kind: KIND.kind,
    metadata: { name: 'x', uid: 'u', resourceVersion: '', creationTimestamp: '2026-01-01T00:00:00Z' },
    webhooks: [{ ...GOOD, ...change }],
  };
  return validator
    .validateCreate(object)
    .map(({ path, detail }) => `${path.replace('webhooks[0].', '')}: ${detail}`.trim());
}

const FORM = '; desired format: https://host[/path]';

for (const [name, change, expected] of [
  ['good', {}, []],
  [
    'plain http',
    { clientConfig: { url: 'http://h' } },
    [`clientConfig.url: 'https' is the only allowed URL scheme${FORM}`],
  ],
  [
    'a query',
    { clientConfig: { url: 'https://h/?a=b' } },
    ['clientConfig.url: query parameters are not permitted in the URL'],
  ],
  [
    'a service with an empty segment and no port like that',
    { clientConfig: { service: { namespace: 'n', name: 's', path: '/a//b', port: 70_000 } } },
    [
      'clientConfig.service.port: port is not valid: must be between 1 and 65535, inclusive',
      'clientConfig.service.path: segment[1] may not be empty',
    ],
  ],
  [
    'unknown reviews',
    { admissionReviewVersions: ['v9'] },
    ['admissionReviewVersions: must include at least one of v1, v1beta1'],
  ],
  [
    'wildcards beside what they take in',
    { rules: [{ ...RULE, operations: ['*', 'CREATE'], resources: ['pods/*', 'pods/log'] }] },
    [
      "rules[0].operations: if '*' is present, must not specify other operations",
      "rules[0].resources[1]: if 'pods/*' is present, must not specify pods/log",
    ],
  ],
] as const) {
  test(`webhook configurations: ${name}`, () => {
    assert.deepEqual(problemsOf(change), expected);
  });
}
