import {
  EVENTS_RULE,
  READ,
  role,
  roleBinding,
  rule,
  systemAccount,
  user,
  type NewRole,
  type NewRoleBinding,
} from './rule.ts';

const SYSTEM = 'kube-system';
const PUBLIC = 'kube-public';
const CONTROLLER_MANAGER = 'kube-controller-manager';
const SCHEDULER = 'kube-scheduler';

/** Rights that hold in the cluster's own namespaces only. */
export const NAMESPACE_ROLES: readonly NewRole[] = [
  role(SYSTEM, 'extension-apiserver-authentication-reader', [
    rule(READ, 'core', 'configmaps', 'extension-apiserver-authentication'),
  ]),
  role(SYSTEM, 'system:controller:bootstrap-signer', [rule(READ, 'core', 'secrets')]),
  role(SYSTEM, 'system:controller:cloud-provider', [rule(`create ${READ}`, 'core', 'configmaps')]),
  role(SYSTEM, 'system:controller:token-cleaner', [rule(`delete ${READ}`, 'core', 'secrets'), EVENTS_RULE]),
  role(SYSTEM, `system::leader-locking-${CONTROLLER_MANAGER}`, [
    rule('watch', 'core', 'configmaps'),
    rule('get update', 'core', 'configmaps', CONTROLLER_MANAGER),
  ]),
  role(SYSTEM, `system::leader-locking-${SCHEDULER}`, [
    rule('watch', 'core', 'configmaps'),
    rule('get update', 'core', 'configmaps', SCHEDULER),
  ]),
  role(PUBLIC, 'system:controller:bootstrap-signer', [
    rule(READ, 'core', 'configmaps'),
    rule('update', 'core', 'configmaps', 'cluster-info'),
    EVENTS_RULE,
  ]),
];

export const NAMESPACE_ROLE_BINDINGS: readonly NewRoleBinding[] = [
  roleBinding(
    SYSTEM,
    'system::extension-apiserver-authentication-reader',
    [user(`system:${CONTROLLER_MANAGER}`), user(`system:${SCHEDULER}`)],
    'extension-apiserver-authentication-reader',
  ),
  ...[CONTROLLER_MANAGER, SCHEDULER].map((name) =>
    roleBinding(SYSTEM, `system::leader-locking-${name}`, [user(`system:${name}`), systemAccount(name)]),
  ),
  ...['bootstrap-signer', 'cloud-provider', 'token-cleaner'].map((name) =>
    roleBinding(SYSTEM, `system:controller:${name}`, [systemAccount(name)]),
  ),
  roleBinding(PUBLIC, 'system:controller:bootstrap-signer', [systemAccount('bootstrap-signer')]),
];
