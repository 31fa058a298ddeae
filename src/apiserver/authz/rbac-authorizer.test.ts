import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeepPartial } from '#api/object.ts';
import { StatusError } from '#api/status-error.ts';
import type { ClusterRole, PolicyRule, RoleBinding } from '#api/types/rbac.v1.ts';
import { ROLE_BINDING } from '#api/types/resources.ts';
import type { UserInfo } from '../authn/user.ts';
import { ObjectsInMemory } from '../object-reader.fixture.ts';
import { reviewLocalSubjectAccess, reviewSelfSubjectRules, reviewSubjectAccess } from './access-review.ts';
import { AuthorizerChain, MASTERS_AUTHORIZER } from './authorizer-chain.ts';
import type { Attributes } from './authorizer.ts';
import { bootstrapPolicy, reconciledRules, reconciledSubjects } from './bootstrap/bootstrap-policy.ts';
import { checkBindingWrite, checkRoleWrite } from './escalation-check.ts';
import { forbiddenError } from './forbidden-message.ts';
import { RbacAuthorizer } from './rbac-authorizer.ts';
import { RbacGrants } from './rbac-grants.ts';

const RBAC = 'rbac.authorization.k8s.io/v1';

function user(name: string, ...groups: readonly string[]): UserInfo {
  return { name, groups, extra: {} };
}

function role(name: string, rules: readonly PolicyRule[], namespace?: string): DeepPartial<ClusterRole> {
  const kind = namespace === undefined ? 'ClusterRole' : 'Role';
  return { apiVersion: RBAC, kind, metadata: { name, ...(namespace && { namespace }) }, rules } as object;
}

/** @param who `user:u`, `group:g` or `sa:ns/name` */
function binding(
  name: string,
  roleKind: 'Role' | 'ClusterRole',
  roleName: string,
  who: string,
  namespace?: string,
): object {
  const [kind, subject = ''] = who.split(':');
  const [accountNamespace, accountName] = subject.split('/');
  return {
    apiVersion: RBAC,
    kind: namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding',
    metadata: { name, ...(namespace && { namespace }) },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: roleKind, name: roleName },
    subjects:
      kind === 'sa'
        ? [{ kind: 'ServiceAccount', namespace: accountNamespace, name: accountName }]
        : [
            {
              kind: kind === 'user' ? 'User' : 'Group',
              name: subject,
              apiGroup: 'rbac.authorization.k8s.io',
            },
          ],
  };
}

function setUp(...objects: readonly object[]) {
  const reader = new ObjectsInMemory();
  reader.put(...objects);
  const rbac = new RbacGrants(reader);
  const authorizer = new AuthorizerChain([MASTERS_AUTHORIZER, new RbacAuthorizer(rbac)]);
  return { reader, rbac, authorizer };
}

/** `get pods/log.apps ns/name`, or `get /path`. */
function ask(who: UserInfo, request: string): Attributes {
  const [verb = '', what = '', where = '/'] = request.split(' ');
  const base = { user: who, verb, apiVersion: 'v1' };
  if (what.startsWith('/')) {
    return {
      ...base,
      namespace: '',
      apiGroup: '',
      resource: '',
      subresource: '',
      name: '',
      isResourceRequest: false,
      path: what,
    };
  }
  const [, resource = '', subresource = '', apiGroup = ''] =
    /^([^/.]+)(?:\/([^.]+))?(?:\.(.+))?$/.exec(what) ?? [];
  const [namespace = '', name = ''] = where.split('/');
  return { ...base, namespace, apiGroup, resource, subresource, name, isResourceRequest: true, path: '' };
}

const VIEWER = role('viewer', [
  { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', 'pods/log'] },
  { verbs: ['get'], apiGroups: ['apps'], resources: ['*/scale'] },
  { verbs: ['update'], apiGroups: [''], resources: ['configmaps'], resourceNames: ['mine'] },
  { verbs: ['*'], apiGroups: ['*'], resources: ['widgets'] },
  { verbs: ['get'], nonResourceURLs: ['/metrics', '/debug/*'] },
]);

const decisions: readonly { request: string; inCluster: boolean; inNamespace: boolean }[] = [
  { request: 'get pods a/x', inCluster: true, inNamespace: true },
  { request: 'get pods b/x', inCluster: true, inNamespace: false },
  { request: 'list pods', inCluster: true, inNamespace: false },
  { request: 'get pods/log a/x', inCluster: true, inNamespace: true },
  { request: 'get pods/exec a/x', inCluster: false, inNamespace: false },
  { request: 'create pods a/', inCluster: false, inNamespace: false },
  { request: 'get pods.apps a/x', inCluster: false, inNamespace: false },
  { request: 'get deployments/scale.apps a/x', inCluster: true, inNamespace: true },
  { request: 'get deployments.apps a/x', inCluster: false, inNamespace: false },
  { request: 'update configmaps a/mine', inCluster: true, inNamespace: true },
  { request: 'update configmaps a/other', inCluster: false, inNamespace: false },
  { request: 'delete widgets.acme.com a/x', inCluster: true, inNamespace: true },
  { request: 'get /metrics', inCluster: true, inNamespace: false },
  { request: 'get /debug/pprof', inCluster: true, inNamespace: false },
  { request: 'get /metrics/slis', inCluster: false, inNamespace: false },
];

for (const { request, inCluster, inNamespace } of decisions) {
  test(`rbac: ${request} is ${inCluster ? 'allowed' : 'refused'}, bound in one namespace ${inNamespace ? 'allowed' : 'refused'}`, () => {
    const clusterWide = setUp(VIEWER, binding('b', 'ClusterRole', 'viewer', 'group:devs'));
    const local = setUp(VIEWER, binding('b', 'ClusterRole', 'viewer', 'sa:a/robot', 'a'));
    const outcomes = [
      clusterWide.authorizer.authorize(ask(user('eve', 'devs'), request)).outcome === 'allow',
      local.authorizer.authorize(ask(user('system:serviceaccount:a:robot'), request)).outcome === 'allow',
    ];
    assert.deepEqual(outcomes, [inCluster, inNamespace]);
  });
}

test('rbac: every change counts from the next question on', () => {
  const { reader, authorizer } = setUp(
    role('r', [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }], 'a'),
  );
  const question = ask(user('eve'), 'get pods a/x');
  const outcome = (): string => authorizer.authorize(question).outcome;
  const seen = [outcome()];
  reader.put(binding('b', 'Role', 'r', 'user:eve', 'a'));
  seen.push(outcome());
  reader.put(role('r', [], 'a'));
  seen.push(outcome());
  reader.put(role('r', [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }], 'a'));
  seen.push(outcome());
  reader.remove(ROLE_BINDING, 'a', 'b');
  seen.push(outcome());
  assert.deepEqual(seen, ['noOpinion', 'allow', 'noOpinion', 'allow', 'noOpinion']);
});

test('rbac: decisions say which binding allows, or which bound role is missing', () => {
  const { authorizer } = setUp(
    VIEWER,
    binding('b', 'ClusterRole', 'viewer', 'sa:a/robot', 'a'),
    binding('lost', 'ClusterRole', 'gone', 'user:eve'),
  );
  assert.equal(
    authorizer.authorize(ask(user('system:serviceaccount:a:robot'), 'get pods a/x')).reason,
    'RBAC: allowed by RoleBinding "b/a" of ClusterRole "viewer" to ServiceAccount "robot/a"',
  );
  const question = ask(user('eve'), 'list deployments.apps y/');
  assert.equal(
    forbiddenError(question, authorizer.authorize(question).reason).message,
    'deployments.apps is forbidden: User "eve" cannot list resource "deployments" in API group "apps" in the namespace "y": RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found',
  );
});

const messages: readonly { request: string; message: string }[] = [
  {
    request: 'list pods',
    message: 'pods is forbidden: User "x" cannot list resource "pods" in API group "" at the cluster scope',
  },
  {
    request: 'get pods/log y/p',
    message:
      'pods "p" is forbidden: User "x" cannot get resource "pods/log" in API group "" in the namespace "y"',
  },
  { request: 'get /metrics', message: 'forbidden: User "x" cannot get path "/metrics"' },
];

for (const { request, message } of messages) {
  test(`forbidden message: ${request}`, () => {
    assert.equal(forbiddenError(ask(user('x'), request)).message, message);
  });
}

const POLICY = bootstrapPolicy();
const POLICY_OBJECTS = [
  ...POLICY.clusterRoles,
  ...POLICY.clusterRoleBindings,
  ...POLICY.roles,
  ...POLICY.roleBindings,
];

const bootstrapQuestions: readonly { who: UserInfo; request: string; isAllowed: boolean }[] = [
  { who: user('root', 'system:masters'), request: 'delete nodes /n', isAllowed: true },
  { who: user('system:anonymous', 'system:unauthenticated'), request: 'get /healthz', isAllowed: true },
  { who: user('system:anonymous', 'system:unauthenticated'), request: 'get /version', isAllowed: true },
  { who: user('system:anonymous', 'system:unauthenticated'), request: 'get /api', isAllowed: false },
  { who: user('eve', 'system:authenticated'), request: 'get /apis/apps/v1', isAllowed: true },
  { who: user('eve', 'system:authenticated'), request: 'get /metrics', isAllowed: false },
  {
    who: user('eve', 'system:authenticated'),
    request: 'create selfsubjectaccessreviews.authorization.k8s.io',
    isAllowed: true,
  },
  { who: user('eve', 'system:authenticated'), request: 'list pods a/', isAllowed: false },
  {
    who: user('system:kube-scheduler', 'system:authenticated'),
    request: 'create pods/binding a/p',
    isAllowed: true,
  },
  {
    who: user('system:kube-scheduler', 'system:authenticated'),
    request: 'get configmaps kube-system/extension-apiserver-authentication',
    isAllowed: true,
  },
  { who: user('system:kube-controller-manager'), request: 'watch widgets.acme.com', isAllowed: true },
  {
    who: user('system:serviceaccount:kube-system:replicaset-controller'),
    request: 'create pods a/',
    isAllowed: true,
  },
  {
    who: user('system:serviceaccount:kube-system:replicaset-controller'),
    request: 'create secrets a/',
    isAllowed: false,
  },
  { who: user('system:kube-proxy'), request: 'watch endpointslices.discovery.k8s.io', isAllowed: true },
  { who: user('x', 'system:serviceaccounts'), request: 'get /openid/v1/jwks', isAllowed: true },
];

test('bootstrap policy: the default roles allow what they should', () => {
  const { authorizer } = setUp(...POLICY_OBJECTS);
  const answers = bootstrapQuestions.map(
    ({ who, request }) => authorizer.authorize(ask(who, request)).outcome === 'allow',
  );
  assert.deepEqual(
    answers,
    bootstrapQuestions.map(({ isAllowed }) => isAllowed),
  );
});

test('bootstrap policy: admin, edit and view hold what is aggregated to them from the start', () => {
  const { authorizer } = setUp(
    ...POLICY_OBJECTS,
    ...['admin', 'edit', 'view'].map((name) => binding(name, 'ClusterRole', name, `user:${name}`, 'a')),
  );
  const may = (name: string, request: string): boolean =>
    authorizer.authorize(ask(user(name), request)).outcome === 'allow';
  assert.deepEqual(
    [
      'get pods a/',
      'get secrets a/',
      'create deployments.apps a/',
      'create rolebindings.rbac.authorization.k8s.io a/',
      'get pods b/',
    ].map((request) => ['view', 'edit', 'admin'].map((name) => may(name, request))),
    [
      [true, true, true],
      [false, true, true],
      [false, true, true],
      [false, false, true],
      [false, false, false],
    ],
  );
});

test('bootstrap policy: names are unique, every binding has its role, all are marked', () => {
  const keys = POLICY_OBJECTS.map(
    ({ kind, metadata }) => `${kind} ${'namespace' in metadata ? metadata.namespace : ''}/${metadata.name}`,
  );
  assert.equal(new Set(keys).size, keys.length);
  const dangling = [...POLICY.clusterRoleBindings, ...POLICY.roleBindings].filter(
    ({ roleRef, metadata }) =>
      !keys.includes(
        `${roleRef.kind} ${roleRef.kind === 'Role' && 'namespace' in metadata ? metadata.namespace : ''}/${roleRef.name}`,
      ),
  );
  assert.deepEqual(dangling, []);
  assert.ok(
    POLICY_OBJECTS.every(
      ({ metadata }) => metadata.labels['kubernetes.io/bootstrapping'] === 'rbac-defaults',
    ),
  );
});

test('bootstrap policy: stored roles and bindings get back what they miss and keep what they have more', () => {
  const stored = { metadata: {}, rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] };
  const wanted = { rules: [{ verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['pods'] }] };
  assert.deepEqual(reconciledRules(stored, wanted), [
    ...stored.rules,
    { verbs: ['list', 'watch'], apiGroups: [''], resources: ['pods'] },
  ]);
  assert.equal(reconciledRules({ ...stored, rules: wanted.rules }, { rules: stored.rules }), undefined);
  const annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'false' };
  assert.equal(reconciledRules({ ...stored, metadata: { annotations } }, wanted), undefined);
  const subjects = [{ kind: 'Group', name: 'a' }];
  assert.deepEqual(
    reconciledSubjects({ metadata: {}, subjects }, { subjects: [{ kind: 'Group', name: 'b' }] }),
    [...subjects, { kind: 'Group', name: 'b' }],
  );
  assert.equal(reconciledSubjects({ metadata: {}, subjects }, { subjects }), undefined);
});

function refusal(run: () => void): string {
  try {
    run();
    return 'allowed';
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    return `${error.code} ${error.message}`;
  }
}

test('escalation: a user grants only what it holds', () => {
  const deps = setUp(
    role('half', [
      { verbs: ['get'], apiGroups: [''], resources: ['pods'] },
      {
        verbs: ['*'],
        apiGroups: ['rbac.authorization.k8s.io'],
        resources: ['roles'],
        resourceNames: ['free'],
      },
    ]),
    binding('b', 'ClusterRole', 'half', 'user:eve'),
    role('strong', [{ verbs: ['delete'], apiGroups: [''], resources: ['nodes'] }]),
  );
  const eve = user('eve', 'devs');
  const write = (wanted: object, old?: object): string =>
    refusal(() => checkRoleWrite(deps, eve, wanted as ClusterRole, old as ClusterRole | undefined));
  const pods: PolicyRule = { verbs: ['get'], apiGroups: [''], resources: ['pods'] };
  const more: PolicyRule = { verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['pods'] };
  const message =
    '403 roles.rbac.authorization.k8s.io "r" is forbidden: user "eve" (groups=["devs"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}';
  assert.equal(write(role('r', [pods], 'a')), 'allowed');
  assert.equal(write(role('r', [more], 'a')), message);
  assert.equal(write(role('r', [more], 'a'), role('r', [more], 'a')), 'allowed');
  assert.equal(write(role('free', [more], 'a')), 'allowed');
  assert.match(
    write({ ...role('c', []), aggregationRule: {} }),
    /must have cluster-admin privileges to use an aggregationRule/,
  );
  assert.match(
    refusal(() =>
      checkBindingWrite(deps, eve, binding('x', 'ClusterRole', 'strong', 'user:eve', 'a') as RoleBinding),
    ),
    /^403 rolebindings.*Verbs:\["delete"\]}$/s,
  );
  assert.equal(
    refusal(() =>
      checkBindingWrite(deps, eve, binding('x', 'ClusterRole', 'none', 'user:eve', 'a') as RoleBinding),
    ),
    '404 clusterroles.rbac.authorization.k8s.io "none" not found',
  );
  assert.equal(
    refusal(() =>
      checkBindingWrite(
        deps,
        user('r', 'system:masters'),
        binding('x', 'ClusterRole', 'strong', 'user:eve') as RoleBinding,
      ),
    ),
    'allowed',
  );
});

const META = { name: '', uid: '', resourceVersion: '', creationTimestamp: '' };
const STATUS = { allowed: false };

test('access reviews: answer for the user they name, and refuse what makes no sense', async () => {
  const { authorizer, rbac } = setUp(VIEWER, binding('b', 'ClusterRole', 'viewer', 'user:eve', 'a'));
  const sar = async (spec: object) => {
    const { status } = await reviewSubjectAccess(
      {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        metadata: META,
        spec,
        status: STATUS,
      },
      authorizer,
    );
    return status;
  };
  const resourceAttributes = { namespace: 'a', verb: 'get', resource: 'pods' };
  assert.equal((await sar({ user: 'eve', resourceAttributes })).allowed, true);
  assert.deepEqual(await sar({ user: 'bob', resourceAttributes }), { allowed: false });
  assert.equal(
    (await sar({ user: 'bob', nonResourceAttributes: { path: '/x', verb: 'get' } })).allowed,
    false,
  );
  await assert.rejects(sar({ resourceAttributes }), /at least one of user or group must be specified/);
  await assert.rejects(sar({ user: 'x' }), /exactly one of nonResourceAttributes or resourceAttributes/);
  const local = async (namespace: string) => {
    const { status } = await reviewLocalSubjectAccess(
      {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'LocalSubjectAccessReview',
        metadata: { ...META, namespace },
        spec: { user: 'eve', resourceAttributes },
        status: STATUS,
      },
      namespace,
      authorizer,
    );
    return status.allowed;
  };
  assert.equal(await local('a'), true);
  await assert.rejects(local('b'), { code: 400 });
  const rules = reviewSelfSubjectRules(
    {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectRulesReview',
      metadata: META,
      spec: { namespace: 'a' },
      status: { resourceRules: [], nonResourceRules: [], incomplete: false },
    },
    user('eve'),
    rbac,
  ).status;
  assert.deepEqual(
    [rules.resourceRules.length, rules.nonResourceRules.length, rules.incomplete],
    [4, 1, false],
  );
});
