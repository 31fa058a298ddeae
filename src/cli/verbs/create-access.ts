import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { CREATE_FLAGS, createObject } from '../create-object.ts';
import type { Flag } from '../flags.ts';
import { textAt } from '../object-access.ts';
import { onlyName } from '../only-name.ts';

const RBAC = 'rbac.authorization.k8s.io';

const RULE_FLAGS: readonly Flag[] = [
  { name: 'resource', kind: 'list', about: 'Resources that the rule is about.' },
  { name: 'resource-name', kind: 'array', about: 'Names of objects that the rule is about.' },
  { name: 'verb', kind: 'list', about: 'What the rule allows.' },
  { name: 'non-resource-url', kind: 'list', about: 'Paths that the rule is about.' },
];

const SUBJECT_FLAGS: readonly Flag[] = [
  { name: 'group', kind: 'array', about: 'Groups to bind to the role.' },
  {
    name: 'serviceaccount',
    kind: 'array',
    about: 'Service accounts to bind to the role: <namespace>:<name>.',
  },
  { name: 'user', kind: 'array', about: 'Users to bind to the role.' },
];

export const CREATE_ACCESS: readonly Command[] = [
  {
    name: 'role',
    about: 'Create a role with single rule',
    usage: 'NAME --verb=verb --resource=resource.group/subresource',
    flags: [...CREATE_FLAGS, ...RULE_FLAGS],
    run: (invocation) => createRole(invocation, 'Role'),
  },
  {
    name: 'clusterrole',
    about: 'Create a cluster role',
    usage: 'NAME --verb=verb --resource=resource.group',
    flags: [...CREATE_FLAGS, ...RULE_FLAGS],
    run: (invocation) => createRole(invocation, 'ClusterRole'),
  },
  {
    name: 'rolebinding',
    about: 'Create a role binding for a particular role or cluster role',
    usage: 'NAME --clusterrole=NAME|--role=NAME [--user=username] [--group=groupname]',
    flags: [
      ...CREATE_FLAGS,
      ...SUBJECT_FLAGS,
      { name: 'clusterrole', kind: 'text', about: 'The cluster role to refer to.' },
      { name: 'role', kind: 'text', about: 'The role to refer to.' },
    ],
    run: (invocation) => createBinding(invocation, 'RoleBinding'),
  },
  {
    name: 'clusterrolebinding',
    about: 'Create a cluster role binding for a particular cluster role',
    usage: 'NAME --clusterrole=NAME [--user=username] [--group=groupname]',
    flags: [
      ...CREATE_FLAGS,
      ...SUBJECT_FLAGS,
      { name: 'clusterrole', kind: 'text', isRequired: true, about: 'The cluster role to refer to.' },
    ],
    run: (invocation) => createBinding(invocation, 'ClusterRoleBinding'),
  },
  {
    name: 'token',
    about: 'Request a service account token',
    usage: 'SERVICE_ACCOUNT_NAME',
    flags: [
      ...CREATE_FLAGS,
      { name: 'audience', kind: 'array', about: 'Audience of the token; may be repeated.' },
      { name: 'duration', kind: 'duration', initial: '0s', about: 'How long the token is to be good for.' },
    ],
    run: createToken,
  },
];

async function createRole(invocation: Invocation, kind: 'Role' | 'ClusterRole'): Promise<void> {
  const { flags, session } = invocation;
  const name = onlyName(invocation);
  const verbs = [...new Set(flags.list('verb'))];
  const urls = flags.list('non-resource-url');
  if (verbs.length === 0) {
    throw new CliError('at least one verb must be specified');
  }
  if (flags.list('resource').length === 0 && urls.length === 0) {
    throw new CliError('at least one resource must be specified');
  }
  const mapper = await session.mapper();
  const byGroup = new Map<string, string[]>();
  for (const text of flags.list('resource')) {
    const [type = '', subresource] = text.split('/');
    const { group, resource } = type === '*' ? { group: '', resource: '*' } : mapper.resource(type);
    const names = byGroup.get(group) ?? [];
    names.push(subresource === undefined ? resource : `${resource}/${subresource}`);
    byGroup.set(group, names);
  }
  const resourceNames = flags.list('resource-name');
  const rules = [
    ...[...byGroup].map(([group, resources]) => ({
      apiGroups: [group],
      ...(resourceNames.length === 0 ? {} : { resourceNames }),
      resources,
      verbs,
    })),
    ...(urls.length === 0 ? [] : [{ nonResourceURLs: urls, verbs }]),
  ];
  await createObject(invocation, { apiVersion: `${RBAC}/v1`, kind, metadata: { name }, rules });
}

async function createBinding(
  invocation: Invocation,
  kind: 'RoleBinding' | 'ClusterRoleBinding',
): Promise<void> {
  const { flags } = invocation;
  const name = onlyName(invocation);
  const clusterRole = flags.text('clusterrole');
  const role = flags.isKnown('role') ? flags.text('role') : '';
  if ((clusterRole === '') === (role === '')) {
    throw new CliError('exactly one of clusterrole or role must be specified');
  }
  const subjects = [
    ...flags.list('user').map((user) => ({ apiGroup: RBAC, kind: 'User', name: user })),
    ...flags.list('group').map((group) => ({ apiGroup: RBAC, kind: 'Group', name: group })),
    ...flags.list('serviceaccount').map((text) => {
      const [namespace = '', account = '', ...more] = text.split(':');
      if (namespace === '' || account === '' || more.length > 0) {
        throw new CliError('serviceaccount must be <namespace>:<name>');
      }
      return { kind: 'ServiceAccount', name: account, namespace };
    }),
  ];
  await createObject(invocation, {
    apiVersion: `${RBAC}/v1`,
    kind,
    metadata: { name },
    roleRef: { apiGroup: RBAC, kind: clusterRole === '' ? 'Role' : 'ClusterRole', name: clusterRole || role },
    ...(subjects.length === 0 ? {} : { subjects }),
  });
}

async function createToken(invocation: Invocation): Promise<void> {
  const { flags, session } = invocation;
  const name = onlyName(invocation);
  const seconds = Math.round(flags.durationMs('duration') / 1000);
  const audiences = flags.list('audience');
  const answer = await session.client.request({
    method: 'POST',
    path: `/api/v1/namespaces/${session.namespace}/serviceaccounts/${name}/token`,
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        ...(audiences.length === 0 ? {} : { audiences }),
        ...(seconds > 0 ? { expirationSeconds: seconds } : {}),
      },
    },
  });
  session.print(`${textAt(answer, 'status', 'token')}\n`);
}
