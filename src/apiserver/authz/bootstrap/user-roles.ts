import type { PolicyRule } from '#api/types/rbac.v1.ts';
import { clusterRole, pathRule, READ, READ_WRITE, rule, WRITE, type NewClusterRole } from './rule.ts';

const HEALTH_AND_VERSION = '/healthz /livez /readyz /version /version/';

const EDIT_RULES: readonly PolicyRule[] = [
  rule(READ, 'core', 'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy'),
  rule('impersonate', 'core', 'serviceaccounts'),
  rule(WRITE, 'core', 'pods pods/attach pods/exec pods/portforward pods/proxy'),
  rule('create', 'core', 'pods/eviction'),
  rule(
    WRITE,
    'core',
    'configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
  ),
  rule('create', 'core', 'serviceaccounts/token'),
  rule(
    WRITE,
    'apps',
    'daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale',
  ),
  rule(WRITE, 'autoscaling', 'horizontalpodautoscalers'),
  rule(WRITE, 'batch', 'cronjobs jobs'),
  rule(
    WRITE,
    'extensions',
    'daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets replicasets/scale replicationcontrollers/scale',
  ),
  rule(WRITE, 'policy', 'poddisruptionbudgets'),
  rule(WRITE, 'networking.k8s.io', 'ingresses networkpolicies'),
  rule(READ_WRITE, 'coordination.k8s.io', 'leases'),
  rule(WRITE, 'resource.k8s.io', 'resourceclaims resourceclaimtemplates'),
];

const VIEW_RULES: readonly PolicyRule[] = [
  rule(
    READ,
    'core',
    'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
  ),
  rule(
    READ,
    'core',
    'bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
  ),
  rule(READ, 'core', 'namespaces'),
  rule(READ, 'discovery.k8s.io', 'endpointslices'),
  rule(
    READ,
    'apps',
    'controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status',
  ),
  rule(READ, 'autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status'),
  rule(READ, 'batch', 'cronjobs cronjobs/status jobs jobs/status'),
  rule(
    READ,
    'extensions',
    'daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale',
  ),
  rule(READ, 'policy', 'poddisruptionbudgets poddisruptionbudgets/status'),
  rule(READ, 'networking.k8s.io', 'ingresses ingresses/status networkpolicies'),
  rule(READ, 'resource.k8s.io', 'resourceclaims resourceclaims/status resourceclaimtemplates'),
];

function aggregateTo(name: string): Readonly<Record<string, string>> {
  return { [`rbac.authorization.k8s.io/aggregate-to-${name}`]: 'true' };
}

/** A role whose rules are those of all roles that carry its label. */
function aggregated(name: string, labels?: Readonly<Record<string, string>>): NewClusterRole {
  return {
    ...clusterRole(name, [], labels),
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregateTo(name) }] },
  };
}

/** The roles that administrators hand out to people, and what everybody may do. */
export const USER_ROLES: readonly NewClusterRole[] = [
  clusterRole('cluster-admin', [rule('*', '*', '*'), pathRule('*', '*')]),
  aggregated('admin'),
  aggregated('edit', aggregateTo('admin')),
  aggregated('view', aggregateTo('edit')),
  clusterRole(
    'system:aggregate-to-admin',
    [
      rule('create', 'authorization.k8s.io', 'localsubjectaccessreviews'),
      rule(READ_WRITE, 'rbac.authorization.k8s.io', 'rolebindings roles'),
    ],
    aggregateTo('admin'),
  ),
  clusterRole('system:aggregate-to-edit', EDIT_RULES, aggregateTo('edit')),
  clusterRole('system:aggregate-to-view', VIEW_RULES, aggregateTo('view')),
  clusterRole('system:basic-user', [
    rule('create', 'authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews'),
    rule('create', 'authentication.k8s.io', 'selfsubjectreviews'),
  ]),
  clusterRole('system:discovery', [
    pathRule('get', `/api /api/* /apis /apis/* /openapi /openapi/* ${HEALTH_AND_VERSION}`),
  ]),
  clusterRole('system:public-info-viewer', [pathRule('get', HEALTH_AND_VERSION)]),
  clusterRole('system:monitoring', [
    pathRule('get', '/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*'),
  ]),
  clusterRole('system:service-account-issuer-discovery', [
    pathRule(
      'get',
      '/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/',
    ),
  ]),
];
