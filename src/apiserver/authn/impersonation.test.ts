import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusError } from '#api/status-error.ts';
import type { Attributes } from '../authz/authorizer.ts';
import { Impersonation } from './impersonation.ts';
import { EXTRA_KEY } from './service-account-identity.ts';
import type { AuthnRequest, UserInfo } from './user.ts';

const ROOT: UserInfo = { name: 'root', groups: [], extra: {} };
const ON_NODE: UserInfo = {
  name: 'system:serviceaccount:ns:agent',
  groups: [],
  extra: { [EXTRA_KEY.nodeName]: ['n1'] },
};

function listing(user: UserInfo): Attributes {
  return {
    user,
    verb: 'list',
    namespace: 'a',
    apiGroup: '',
    apiVersion: 'v1',
    resource: 'pods',
    subresource: '',
    name: '',
    isResourceRequest: true,
    path: '/api/v1/namespaces/a/pods',
  };
}

interface Outcome {
  /** `name [groups]` and the constraint, or the refusal. */
  readonly who: string;
  /** What the authorizer was asked. */
  readonly asked: readonly string[];
}

/** @param allows the questions that are answered with yes, by their first words */
async function act(
  headers: AuthnRequest['headers'],
  { allows, sender = ROOT }: { readonly allows: readonly string[]; readonly sender?: UserInfo },
): Promise<Outcome> {
  const asked: string[] = [];
  const impersonation = new Impersonation({
    authorize: ({ verb, resource, subresource, namespace, name, apiGroup }) => {
      const group = apiGroup === '' ? '' : `.${apiGroup}`;
      const what = `${resource}${group}${subresource && `/${subresource}`}`;
      const question = `${verb} ${what} ${namespace && `${namespace}/`}${name}`.trimEnd();
      asked.push(question);
      const isAllowed = allows.some((allowed) => question.startsWith(allowed));
      return isAllowed ? { outcome: 'allow', reason: '' } : { outcome: 'noOpinion', reason: '' };
    },
  });
  try {
    const { user, constraint } = await impersonation.impersonate({ headers }, listing(sender));
    const uid = user.uid === undefined ? '' : ` uid ${user.uid}`;
    return { who: `${user.name} [${user.groups.join(',')}]${uid} ${constraint}`.trimEnd(), asked };
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    return { who: `${error.code} ${error.message}`, asked };
  }
}

const LEGACY = ['impersonate '];

const OLD_WAY: readonly [
  what: string,
  headers: AuthnRequest['headers'],
  who: string,
  asked: readonly string[],
][] = [
  ['a user', { 'impersonate-user': 'eve' }, 'eve [system:authenticated]', ['users eve']],
  [
    'a user in groups',
    { 'impersonate-user': 'eve', 'impersonate-group': ['g', 'system:masters'] },
    'eve [g,system:masters,system:authenticated]',
    ['users eve', 'groups g', 'groups system:masters'],
  ],
  [
    'the anonymous',
    { 'impersonate-user': 'system:anonymous' },
    'system:anonymous [system:unauthenticated]',
    ['users system:anonymous'],
  ],
  [
    'somebody who shall not count as known',
    { 'impersonate-user': 'eve', 'impersonate-group': ['system:unauthenticated'] },
    'eve [system:unauthenticated]',
    ['users eve', 'groups system:unauthenticated'],
  ],
  [
    'a service account',
    { 'impersonate-user': 'system:serviceaccount:ns:sa' },
    'system:serviceaccount:ns:sa [system:serviceaccounts,system:serviceaccounts:ns,system:authenticated]',
    ['serviceaccounts ns/sa'],
  ],
  [
    'a service account in groups of its own',
    { 'impersonate-user': 'system:serviceaccount:ns:sa', 'impersonate-group': ['g'] },
    'system:serviceaccount:ns:sa [g,system:authenticated]',
    ['serviceaccounts ns/sa', 'groups g'],
  ],
  [
    'a node',
    { 'impersonate-user': 'system:node:n1' },
    'system:node:n1 [system:authenticated]',
    ['users system:node:n1'],
  ],
  [
    'uid and extra',
    {
      'impersonate-user': 'eve',
      'impersonate-uid': '5',
      'impersonate-extra-example.com%2fscopes': ['a', 'b'],
    },
    'eve [system:authenticated] uid 5',
    [
      'users eve',
      'uids.authentication.k8s.io 5',
      'userextras.authentication.k8s.io/example.com/scopes a',
      'userextras.authentication.k8s.io/example.com/scopes b',
    ],
  ],
];

test('impersonation: the verb impersonate allows it part by part', async () => {
  for (const [what, headers, who, asked] of OLD_WAY) {
    const outcome = await act(headers, { allows: LEGACY });
    assert.equal(outcome.who, who, what);
    const legacy = outcome.asked.filter((question) => question.startsWith('impersonate '));
    assert.deepEqual(
      legacy.map((question) => question.slice('impersonate '.length)),
      asked,
      what,
    );
  }
});

const AUTHN = 'authentication.k8s.io';
const CONSTRAINED: readonly {
  readonly what: string;
  readonly sender?: UserInfo;
  readonly headers: AuthnRequest['headers'];
  readonly allows: readonly string[];
  readonly who: string;
}[] = [
  {
    what: 'a user for this very request',
    headers: { 'impersonate-user': 'eve' },
    allows: ['impersonate-on:user-info:list pods a/', `impersonate:user-info users.${AUTHN} eve`],
    who: 'eve [system:authenticated] impersonate:user-info',
  },
  {
    what: 'a user for another request',
    headers: { 'impersonate-user': 'eve' },
    allows: ['impersonate-on:user-info:get', `impersonate:user-info users.${AUTHN} eve`],
    who: '403 pods is forbidden: User "root" cannot impersonate-on:user-info:list resource "pods" in API group "" in the namespace "a"',
  },
  {
    what: 'many groups at once',
    headers: { 'impersonate-user': 'eve', 'impersonate-group': ['a', 'b', 'c', 'd'] },
    allows: [
      'impersonate-on:user-info',
      `impersonate:user-info users.${AUTHN} eve`,
      `impersonate:user-info groups.${AUTHN} *`,
    ],
    who: 'eve [a,b,c,d,system:authenticated] impersonate:user-info',
  },
  {
    what: 'a master',
    headers: { 'impersonate-user': 'eve', 'impersonate-group': ['system:masters'] },
    allows: ['impersonate-on:user-info', 'impersonate:user-info'],
    who: `403 groups.${AUTHN} "system:masters" is forbidden: User "root" cannot impersonate:user-info resource "groups" in API group "${AUTHN}" at the cluster scope: impersonating the system:masters group is not allowed`,
  },
  {
    what: 'a bad extra key',
    headers: { 'impersonate-user': 'eve', 'impersonate-extra-scopes': ['a'] },
    allows: ['impersonate-on:user-info', 'impersonate:user-info'],
    who: `403 userextras.${AUTHN} is forbidden: User "root" cannot impersonate:user-info resource "userextras" in API group "${AUTHN}" at the cluster scope: impersonating an invalid key in extra is not allowed: extra.key: Invalid value: "scopes": must be a domain-prefixed path (such as "acme.io/foo")`,
  },
  {
    what: 'a service account',
    headers: { 'impersonate-user': 'system:serviceaccount:ns:sa' },
    allows: [
      'impersonate-on:serviceaccount:list',
      `impersonate:serviceaccount serviceaccounts.${AUTHN} ns/sa`,
    ],
    who: 'system:serviceaccount:ns:sa [system:serviceaccounts,system:serviceaccounts:ns,system:authenticated] impersonate:serviceaccount',
  },
  {
    what: 'any node',
    headers: { 'impersonate-user': 'system:node:n1' },
    allows: ['impersonate-on:arbitrary-node:list', `impersonate:arbitrary-node nodes.${AUTHN} n1`],
    who: 'system:node:n1 [system:nodes,system:authenticated] impersonate:arbitrary-node',
  },
  {
    what: 'the own node',
    sender: ON_NODE,
    headers: { 'impersonate-user': 'system:node:n1' },
    allows: ['impersonate-on:associated-node:list', `impersonate:associated-node nodes.${AUTHN} *`],
    who: 'system:node:n1 [system:nodes,system:authenticated] impersonate:associated-node',
  },
  {
    what: 'another node than the own',
    sender: ON_NODE,
    headers: { 'impersonate-user': 'system:node:n2' },
    allows: ['impersonate-on:associated-node:list', `impersonate:associated-node nodes.${AUTHN} *`],
    who: '403 pods is forbidden: User "system:serviceaccount:ns:agent" cannot impersonate-on:arbitrary-node:list resource "pods" in API group "" in the namespace "a"',
  },
];

test('impersonation: constrained verbs allow it for whom and for what they say', async () => {
  for (const { what, headers, allows, who, sender = ROOT } of CONSTRAINED) {
    assert.equal((await act(headers, { allows, sender })).who, who, what);
  }
});

test('impersonation: headers without a name are refused', async () => {
  const { who } = await act({ 'impersonate-uid': '5', 'impersonate-group': ['g'] }, { allows: [''] });
  assert.equal(
    who,
    '400 requested &user.DefaultInfo{Name:"", UID:"5", Groups:[]string{"g"}, Extra:map[string][]string(nil)} without impersonating a user name',
  );
});

test('impersonation: the way that was good before is tried first', async () => {
  const asked: string[] = [];
  const impersonation = new Impersonation({
    authorize: ({ verb }) => {
      asked.push(verb);
      return { outcome: verb === 'impersonate' ? 'allow' : 'noOpinion', reason: '' };
    },
  });
  const headers = { 'impersonate-user': 'eve' };
  await impersonation.impersonate({ headers }, listing(ROOT));
  await impersonation.impersonate({ headers }, listing(ROOT));
  assert.deepEqual(asked, ['impersonate-on:user-info:list', 'impersonate', 'impersonate']);
});
