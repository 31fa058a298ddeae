import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { MetricsRegistry } from '#base/metrics.ts';
import type { Random } from '#base/random.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import type { RbacGrants } from '../authz/rbac-grants.ts';
import type { ObjectReader } from '../object-reader.ts';
import type { AdmissionPlugin } from './admission.ts';
import { AdmissionMetrics } from './admission-metrics.ts';
import { CertificateApproval } from './certificate/certificate-approval.ts';
import { CertificateSigning } from './certificate/certificate-signing.ts';
import { CertificateSubjectRestriction } from './certificate/certificate-subject-restriction.ts';
import { DefaultIngressClass } from './default-ingress-class/default-ingress-class.ts';
import { DefaultStorageClass } from './default-storage-class/default-storage-class.ts';
import { DefaultTolerationSeconds } from './default-toleration-seconds/default-toleration-seconds.ts';
import { LimitRanger } from './limit-ranger/limit-ranger.ts';
import { NamespaceLifecycle } from './namespace-lifecycle/namespace-lifecycle.ts';
import { NodeRestriction } from './node-restriction/node-restriction.ts';
import { ParamAccess } from './param-access/param-access.ts';
import { PersistentVolumeClaimResize } from './persistent-volume-claim-resize/persistent-volume-claim-resize.ts';
import { MutatingPolicies } from './policies/mutating-policies.ts';
import type { ServedKinds } from './policies/policy-params.ts';
import { ValidatingPolicies } from './policies/validating-policies.ts';
import { PodResizeValidator } from './pod-resize-validator/pod-resize-validator.ts';
import type { PodSecuritySettings } from './pod-security/pod-security-settings.ts';
import { PodSecurity } from './pod-security/pod-security.ts';
import { PodTopologyLabels } from './pod-topology-labels/pod-topology-labels.ts';
import { Priority } from './priority/priority.ts';
import { ResourceQuota, type QuotaStatusWriter } from './resource-quota/resource-quota.ts';
import { RoleEscalation } from './role-escalation/role-escalation.ts';
import { RuntimeClass } from './runtime-class/runtime-class.ts';
import { ServiceAccount } from './service-account/service-account.ts';
import { StorageObjectInUseProtection } from './storage-object-in-use-protection/storage-object-in-use-protection.ts';
import { TaintNodesByCondition } from './taint-nodes-by-condition/taint-nodes-by-condition.ts';
import { MutatingWebhooks } from './webhooks/mutating-webhooks.ts';
import { ClusterIpResolver, type ServiceResolver } from './webhooks/service-resolver.ts';
import { ValidatingWebhooks } from './webhooks/validating-webhooks.ts';
import { WebhookClient } from './webhooks/webhook-client.ts';

export interface AdmissionDeps {
  readonly reader: ObjectReader;
  readonly authorizer: Authorizer;
  readonly rbac: RbacGrants;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  readonly quotaWriter: QuotaStatusWriter;
  readonly kinds: ServedKinds;
  /** Every pod is allowed everything when left out. */
  readonly podSecurity?: PodSecuritySettings | undefined;
  /** Finds webhooks that are Services; by their cluster addresses when left out. */
  readonly services?: ServiceResolver;
}

/** The plugins that are on unless a cluster is told otherwise; NodeRestriction because every installer adds it. */
export function defaultPlugins(deps: AdmissionDeps): readonly AdmissionPlugin[] {
  const { reader, authorizer, clock, random, log } = deps;
  const client = new WebhookClient({ clock, services: deps.services ?? new ClusterIpResolver(reader) });
  let admissionMetrics: AdmissionMetrics | undefined;
  const metrics = (): AdmissionMetrics => (admissionMetrics ??= new AdmissionMetrics(deps.metrics));
  const policies = { reader, kinds: deps.kinds, authorizer, clock, log, registry: deps.metrics, metrics };
  const webhooks = { reader, client, authorizer, clock, random, log, metrics };
  return [
    new NamespaceLifecycle(reader),
    new LimitRanger(reader),
    new ServiceAccount(deps),
    new NodeRestriction(reader),
    new TaintNodesByCondition(),
    new PodSecurity(reader, deps.podSecurity),
    new Priority(reader),
    new DefaultTolerationSeconds(),
    new DefaultStorageClass(reader),
    new StorageObjectInUseProtection(),
    new PersistentVolumeClaimResize(reader),
    new RuntimeClass(reader),
    new CertificateApproval(authorizer),
    new CertificateSigning(authorizer),
    new CertificateSubjectRestriction(),
    new DefaultIngressClass(reader),
    new PodTopologyLabels(reader),
    new PodResizeValidator(reader),
    new RoleEscalation({ authorizer, rbac: deps.rbac }),
    new ParamAccess({ reader, kinds: deps.kinds, authorizer }),
    new MutatingPolicies(policies),
    new MutatingWebhooks(webhooks),
    new ValidatingPolicies(policies),
    new ValidatingWebhooks(webhooks),
    new ResourceQuota({ reader, clock: deps.clock, writer: deps.quotaWriter }),
  ];
}
