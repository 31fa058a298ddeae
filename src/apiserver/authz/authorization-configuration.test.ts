import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAuthorizationConfiguration } from './authorization-configuration.ts';

const HEAD = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\nauthorizers:\n';

const WEBHOOK = `- type: Webhook
  name: judge
  webhook:
    timeout: 3s
    authorizedTTL: 5m
    unauthorizedTTL: 30s
    cacheUnauthorizedRequests: false
    subjectAccessReviewVersion: v1
    matchConditionSubjectAccessReviewVersion: v1
    failurePolicy: Deny
    connectionInfo: {type: KubeConfigFile, kubeConfigFile: /etc/judge.yaml}
    matchConditions: [{expression: "has(request.resourceAttributes)"}]
`;

test('authorization configuration: who decides, in order', () => {
  const [node, judge, ...rest] = parseAuthorizationConfiguration(
    `${HEAD}- {type: Node, name: node}\n${WEBHOOK}- {type: RBAC, name: rbac}\n`,
  );
  assert.deepEqual([node, rest], [{ kind: 'Node', name: 'node' }, [{ kind: 'RBAC', name: 'rbac' }]]);
  assert.ok(judge?.kind === 'Webhook');
  const { conditions, ...plain } = judge;
  assert.deepEqual(plain, {
    kind: 'Webhook',
    name: 'judge',
    timeoutMs: 3000,
    authorizedMs: 300_000,
    unauthorizedMs: 0,
    version: 'v1',
    onError: 'Deny',
    kubeconfig: '/etc/judge.yaml',
  });
  assert.equal(conditions?.match({ user: 'x', nonResourceAttributes: { path: '/', verb: 'get' } }), false);
  assert.equal(conditions?.match({ user: 'x', resourceAttributes: { verb: 'get' } }), true);
});

const bad: readonly { name: string; text: string; message: string }[] = [
  {
    name: 'nobody',
    text: '[]',
    message: 'authorizers: Required value: at least one authorization mode must be defined',
  },
  {
    name: 'an unknown type and one without a name',
    text: '[{type: ABAC2, name: x}, {type: RBAC}]',
    message:
      '[authorizers[0].type: Unsupported value: "ABAC2": supported values: "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook", authorizers[1].name: Required value]',
  },
  {
    name: 'the same type and the same name twice',
    text: '[{type: RBAC, name: a}, {type: RBAC, name: b}, {type: Node, name: a}]',
    message: '[authorizers[1].type: Duplicate value: "RBAC", authorizers[2].name: Duplicate value: "a"]',
  },
  {
    name: 'a webhook that says nothing',
    text: '[{type: Webhook, name: a, webhook: {}}]',
    message:
      '[authorizers[0].timeout: Required value, authorizers[0].authorizedTTL: Required value, authorizers[0].unauthorizedTTL: Required value, authorizers[0].subjectAccessReviewVersion: Required value, authorizers[0].failurePolicy: Required value, authorizers[0].connectionInfo.type: Required value, authorizers[0].connectionInfo.kubeConfigFile: Required value]',
  },
];

for (const { name, text, message } of bad) {
  test(`authorization configuration: ${name} is refused`, () => {
    assert.throws(
      () => parseAuthorizationConfiguration(HEAD.replace('authorizers:\n', `authorizers: ${text}\n`)),
      {
        message,
      },
    );
  });
}

test('authorization configuration: conditions are checked as they are read', () => {
  const text = WEBHOOK.replace('"has(request.resourceAttributes)"', 'request.nothing').replace(
    'timeout: 3s',
    'timeout: 31s',
  );
  assert.throws(() => parseAuthorizationConfiguration(`${HEAD}${text}`), {
    message:
      /^\[authorizers\[0\]\.timeout: Invalid value: "31s": must be > 0s and <= 30s, authorizers\[0\]\.matchConditions\[0\]\.expression: Invalid value: "request\.nothing": compilation failed: [^]*undefined field 'nothing'/,
  });
});
