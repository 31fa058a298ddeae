import type {
  MatchResources,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  MutatingWebhook,
  MutatingWebhookConfiguration,
  RuleWithOperations,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '../types/admissionregistration.v1.ts';
import type { CustomResourceDefinition } from '../types/apiextensions.v1.ts';
import type { APIService } from '../types/apiregistration.v1.ts';
import type { EndpointSlice } from '../types/discovery.v1.ts';
import type { FlowSchema, PriorityLevelConfiguration } from '../types/flowcontrol.v1.ts';
import type { IngressClass, NetworkPolicy, NetworkPolicyPort } from '../types/networking.v1.ts';
import type { ClusterRoleBinding, RoleBinding, Subject } from '../types/rbac.v1.ts';
import type { PriorityClass } from '../types/scheduling.v1.ts';
import type { CSIDriver, StorageClass } from '../types/storage.v1.ts';
import { change, fill, mapItems, whenSet } from './fill.ts';

const RBAC_GROUP = 'rbac.authorization.k8s.io';
const HTTPS_PORT = 443;
const WEBHOOK_SECONDS = 10;

export function defaultBinding<T extends RoleBinding | ClusterRoleBinding>(binding: T): T {
  const subject = (each: Subject): Subject =>
    each.kind === 'User' || each.kind === 'Group' ? fill(each, { apiGroup: RBAC_GROUP }) : each;
  return change<RoleBinding | ClusterRoleBinding>(binding, {
    roleRef:
      binding.roleRef.apiGroup === ''
        ? { ...binding.roleRef, apiGroup: RBAC_GROUP }
        : fill(binding.roleRef, { apiGroup: RBAC_GROUP }),
    subjects: mapItems(binding.subjects, subject),
  }) as T;
}

export function defaultNetworkPolicy(policy: NetworkPolicy): NetworkPolicy {
  const port = (each: NetworkPolicyPort): NetworkPolicyPort => fill(each, { protocol: 'TCP' });
  const { spec } = policy;
  const hasEgress = (spec.egress ?? []).length > 0;
  return change(policy, {
    spec: change(fill(spec, { policyTypes: hasEgress ? ['Ingress', 'Egress'] : ['Ingress'] }), {
      ingress: mapItems(spec.ingress, (rule) => change(rule, { ports: mapItems(rule.ports, port) })),
      egress: mapItems(spec.egress, (rule) => change(rule, { ports: mapItems(rule.ports, port) })),
    }),
  });
}

export function defaultIngressClass(ingressClass: IngressClass): IngressClass {
  return change(ingressClass, {
    spec: change(ingressClass.spec, {
      parameters: whenSet(ingressClass.spec.parameters, (parameters) =>
        fill(parameters, { scope: 'Cluster' }),
      ),
    }),
  });
}

export function defaultEndpointSlice(slice: EndpointSlice): EndpointSlice {
  return change(slice, {
    ports: mapItems(slice.ports, (port) => fill(port, { name: '', protocol: 'TCP' })),
  });
}

export function defaultStorageClass(storageClass: StorageClass): StorageClass {
  return fill(storageClass, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' });
}

export function defaultCsiDriver(driver: CSIDriver): CSIDriver {
  return change(driver, {
    spec: fill(driver.spec, {
      attachRequired: true,
      podInfoOnMount: false,
      storageCapacity: false,
      fsGroupPolicy: 'ReadWriteOnceWithFSType',
      volumeLifecycleModes: ['Persistent'],
      requiresRepublish: false,
      seLinuxMount: false,
    }),
  });
}

export function defaultPriorityClass(priorityClass: PriorityClass): PriorityClass {
  return fill(priorityClass, { preemptionPolicy: 'PreemptLowerPriority' });
}

export function defaultFlowSchema(schema: FlowSchema): FlowSchema {
  return change(schema, { spec: fill(schema.spec, { matchingPrecedence: 1000 }) });
}

export function defaultPriorityLevel(level: PriorityLevelConfiguration): PriorityLevelConfiguration {
  const { spec } = level;
  return change(level, {
    spec: change(spec, {
      exempt: whenSet(spec.exempt, (exempt) =>
        fill(exempt, { nominalConcurrencyShares: 0, lendablePercent: 0 }),
      ),
      limited: whenSet(spec.limited, (limited) =>
        change(fill(limited, { nominalConcurrencyShares: 30, lendablePercent: 0 }), {
          limitResponse: whenSet(limited.limitResponse, (response) =>
            change(response, {
              queuing: whenSet(response.queuing, (queuing) =>
                fill(queuing, { queues: 64, handSize: 8, queueLengthLimit: 50 }),
              ),
            }),
          ),
        }),
      ),
    }),
  });
}

type AnyWebhook = ValidatingWebhook & Pick<MutatingWebhook, 'reinvocationPolicy'>;

export function defaultValidatingWebhooks(
  object: ValidatingWebhookConfiguration,
): ValidatingWebhookConfiguration {
  return change(object, { webhooks: mapItems(object.webhooks, (webhook) => defaultWebhook(webhook)) });
}

export function defaultMutatingWebhooks(object: MutatingWebhookConfiguration): MutatingWebhookConfiguration {
  return change(object, {
    webhooks: mapItems(object.webhooks, (webhook) =>
      fill<MutatingWebhook>(defaultWebhook(webhook), { reinvocationPolicy: 'Never' }),
    ),
  });
}

function defaultWebhook<T extends AnyWebhook>(webhook: T): T {
  const filled = fill<AnyWebhook>(webhook, {
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: WEBHOOK_SECONDS,
  });
  const { clientConfig } = filled;
  return change(filled, {
    rules: mapItems(filled.rules, defaultRule),
    clientConfig: change(clientConfig, {
      service: whenSet(clientConfig.service, (service) => fill(service, { port: HTTPS_PORT })),
    }),
  }) as T;
}

function defaultRule<T extends RuleWithOperations>(rule: T): T {
  return fill<RuleWithOperations>(rule, { scope: '*' }) as T;
}

export function defaultAdmissionPolicy(policy: ValidatingAdmissionPolicy): ValidatingAdmissionPolicy {
  const { spec } = policy;
  return change(policy, {
    spec: change(fill(spec, { failurePolicy: 'Fail' }), {
      matchConstraints: whenSet(spec.matchConstraints, defaultMatchResources),
    }),
  });
}

export function defaultAdmissionPolicyBinding(
  binding: ValidatingAdmissionPolicyBinding,
): ValidatingAdmissionPolicyBinding {
  const { spec } = binding;
  return change(binding, {
    spec: change(spec, { matchResources: whenSet(spec.matchResources, defaultMatchResources) }),
  });
}

export function defaultMutatingPolicy(policy: MutatingAdmissionPolicy): MutatingAdmissionPolicy {
  const { spec } = policy;
  return change(policy, {
    spec: change(fill(spec, { failurePolicy: 'Fail' }), {
      matchConstraints: whenSet(spec.matchConstraints, defaultMatchResources),
    }),
  });
}

export function defaultMutatingPolicyBinding(
  binding: MutatingAdmissionPolicyBinding,
): MutatingAdmissionPolicyBinding {
  const { spec } = binding;
  return change(binding, {
    spec: change(spec, { matchResources: whenSet(spec.matchResources, defaultMatchResources) }),
  });
}

function defaultMatchResources(resources: MatchResources): MatchResources {
  return change(fill(resources, { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} }), {
    resourceRules: mapItems(resources.resourceRules, (rule) => fill(rule, { scope: '*' })),
    excludeResourceRules: mapItems(resources.excludeResourceRules, (rule) => fill(rule, { scope: '*' })),
  });
}

export function defaultCustomResourceDefinition(
  definition: CustomResourceDefinition,
): CustomResourceDefinition {
  const { spec } = definition;
  const { kind } = spec.names;
  return change(definition, {
    spec: change(fill(spec, { conversion: { strategy: 'None' } }), {
      names: fill(spec.names, { singular: kind.toLowerCase(), listKind: `${kind}List` }),
    }),
  });
}

export function defaultApiService(service: APIService): APIService {
  return change(service, {
    spec: change(service.spec, {
      service: whenSet(service.spec.service, (reference) => fill(reference, { port: HTTPS_PORT })),
    }),
  });
}
