// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.
import type * as admissionregistrationV1 from './admissionregistration.v1.ts';
import type * as metaV1 from './meta.v1.ts';

export type Rule = admissionregistrationV1.Rule;

export type ScopeType = admissionregistrationV1.ScopeType;

export type ParameterNotFoundActionType = string;

export type FailurePolicyType = string;

export type MatchPolicyType = string;

export type SideEffectClass = string;

export interface ValidatingAdmissionPolicy {
  readonly apiVersion: 'admissionregistration.k8s.io/v1beta1';
  readonly kind: 'ValidatingAdmissionPolicy';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly spec: ValidatingAdmissionPolicySpec;
  readonly status: ValidatingAdmissionPolicyStatus;
}

export interface ValidatingAdmissionPolicyStatus {
  readonly observedGeneration?: number;
  readonly typeChecking?: TypeChecking;
  readonly conditions?: readonly metaV1.Condition[];
}

export type ValidatingAdmissionPolicyConditionType = string;

export interface TypeChecking {
  readonly expressionWarnings?: readonly ExpressionWarning[];
}

export interface ExpressionWarning {
  readonly fieldRef: string;
  readonly warning: string;
}

export interface ValidatingAdmissionPolicyList {
  readonly apiVersion: 'admissionregistration.k8s.io/v1beta1';
  readonly kind: 'ValidatingAdmissionPolicyList';
  readonly metadata: metaV1.ListMeta;
  readonly items?: readonly ValidatingAdmissionPolicy[] | null;
}

export interface ValidatingAdmissionPolicySpec {
  readonly paramKind?: ParamKind;
  readonly matchConstraints?: MatchResources;
  readonly validations?: readonly Validation[];
  readonly failurePolicy?: FailurePolicyType;
  readonly auditAnnotations?: readonly AuditAnnotation[];
  readonly matchConditions?: readonly MatchCondition[];
  readonly variables?: readonly Variable[];
}

export interface ParamKind {
  readonly apiVersion?: string;
  readonly kind?: string;
}

export interface Validation {
  readonly expression: string;
  readonly message?: string;
  readonly reason?: metaV1.StatusReason;
  readonly messageExpression?: string;
}

export interface Variable {
  readonly name: string;
  readonly expression: string;
}

export interface AuditAnnotation {
  readonly key: string;
  readonly valueExpression: string;
}

export interface ValidatingAdmissionPolicyBinding {
  readonly apiVersion: 'admissionregistration.k8s.io/v1beta1';
  readonly kind: 'ValidatingAdmissionPolicyBinding';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly spec: ValidatingAdmissionPolicyBindingSpec;
}

export interface ValidatingAdmissionPolicyBindingList {
  readonly apiVersion: 'admissionregistration.k8s.io/v1beta1';
  readonly kind: 'ValidatingAdmissionPolicyBindingList';
  readonly metadata: metaV1.ListMeta;
  readonly items?: readonly ValidatingAdmissionPolicyBinding[] | null;
}

export interface ValidatingAdmissionPolicyBindingSpec {
  readonly policyName: string;
  readonly paramRef?: ParamRef;
  readonly matchResources?: MatchResources;
  readonly validationActions: readonly ValidationAction[];
}

export interface ParamRef {
  readonly name?: string;
  readonly namespace?: string;
  readonly selector?: metaV1.LabelSelector;
  readonly parameterNotFoundAction?: ParameterNotFoundActionType;
}

export interface MatchResources {
  readonly namespaceSelector?: metaV1.LabelSelector;
  readonly objectSelector?: metaV1.LabelSelector;
  readonly resourceRules?: readonly NamedRuleWithOperations[];
  readonly excludeResourceRules?: readonly NamedRuleWithOperations[];
  readonly matchPolicy?: MatchPolicyType;
}

export type ValidationAction = 'Deny' | 'Warn' | 'Audit';

export interface NamedRuleWithOperations {
  readonly resourceNames?: readonly string[];
}

export interface ValidatingWebhookConfiguration {
  readonly apiVersion: 'admissionregistration.k8s.io/v1beta1';
  readonly kind: 'ValidatingWebhookConfiguration';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly webhooks?: readonly ValidatingWebhook[];
}

export interface ValidatingWebhookConfigurationList {
  readonly apiVersion: 'admissionregistration.k8s.io/v1beta1';
  readonly kind: 'ValidatingWebhookConfigurationList';
  readonly metadata: metaV1.ListMeta;
  readonly items?: readonly ValidatingWebhookConfiguration[] | null;
}

export interface MutatingWebhookConfiguration {
  readonly apiVersion: 'admissionregistration.k8s.io/v1beta1';
  readonly kind: 'MutatingWebhookConfiguration';
  readonly metadata: metaV1.NamespacedObjectMeta;
  readonly webhooks?: readonly MutatingWebhook[];
}

export interface MutatingWebhookConfigurationList {
  readonly apiVersion: 'admissionregistration.k8s.io/v1beta1';
  readonly kind: 'MutatingWebhookConfigurationList';
  readonly metadata: metaV1.ListMeta;
  readonly items?: readonly MutatingWebhookConfiguration[] | null;
}

export interface ValidatingWebhook {
  readonly name: string;
  readonly clientConfig: WebhookClientConfig;
  readonly rules?: readonly RuleWithOperations[];
  readonly failurePolicy?: FailurePolicyType;
  readonly matchPolicy?: MatchPolicyType;
  readonly namespaceSelector?: metaV1.LabelSelector;
  readonly objectSelector?: metaV1.LabelSelector;
  readonly sideEffects?: SideEffectClass;
  readonly timeoutSeconds?: number;
  readonly admissionReviewVersions?: readonly string[];
  readonly matchConditions?: readonly MatchCondition[];
}

export interface MutatingWebhook {
  readonly name: string;
  readonly clientConfig: WebhookClientConfig;
  readonly rules?: readonly RuleWithOperations[];
  readonly failurePolicy?: FailurePolicyType;
  readonly matchPolicy?: MatchPolicyType;
  readonly namespaceSelector?: metaV1.LabelSelector;
  readonly objectSelector?: metaV1.LabelSelector;
  readonly sideEffects?: SideEffectClass;
  readonly timeoutSeconds?: number;
  readonly admissionReviewVersions?: readonly string[];
  readonly reinvocationPolicy?: ReinvocationPolicyType;
  readonly matchConditions?: readonly MatchCondition[];
}

export type ReinvocationPolicyType = admissionregistrationV1.ReinvocationPolicyType;

export type RuleWithOperations = admissionregistrationV1.RuleWithOperations;

export type OperationType = admissionregistrationV1.OperationType;

export interface WebhookClientConfig {
  readonly url?: string;
  readonly service?: ServiceReference;
  readonly caBundle?: string;
}

export interface ServiceReference {
  readonly namespace: string;
  readonly name: string;
  readonly path?: string;
  readonly port?: number;
}

export interface MatchCondition {
  readonly name: string;
  readonly expression: string;
}

export interface MutatingAdmissionPolicy {
  readonly apiVersion: 'admissionregistration.k8s.io/v1beta1';
  readonly kind: 'MutatingAdmissionPolicy';
  readonly metadata: metaV1.ObjectMeta;
  readonly spec: MutatingAdmissionPolicySpec;
}

export interface MutatingAdmissionPolicyList {
  readonly apiVersion: 'admissionregistration.k8s.io/v1beta1';
  readonly kind: 'MutatingAdmissionPolicyList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly MutatingAdmissionPolicy[];
}

export interface MutatingAdmissionPolicySpec {
  readonly paramKind?: ParamKind;
  readonly matchConstraints?: MatchResources;
  readonly variables?: readonly Variable[];
  readonly mutations?: readonly Mutation[];
  readonly failurePolicy?: FailurePolicyType;
  readonly matchConditions?: readonly MatchCondition[];
  readonly reinvocationPolicy?: ReinvocationPolicyType;
}

export interface Mutation {
  readonly patchType: PatchType;
  readonly applyConfiguration?: ApplyConfiguration;
  readonly jsonPatch?: JSONPatch;
}

export type PatchType = 'ApplyConfiguration' | 'JSONPatch';

export interface ApplyConfiguration {
  readonly expression?: string;
}

export interface JSONPatch {
  readonly expression?: string;
}

export interface MutatingAdmissionPolicyBinding {
  readonly apiVersion: 'admissionregistration.k8s.io/v1beta1';
  readonly kind: 'MutatingAdmissionPolicyBinding';
  readonly metadata: metaV1.ObjectMeta;
  readonly spec: MutatingAdmissionPolicyBindingSpec;
}

export interface MutatingAdmissionPolicyBindingList {
  readonly apiVersion: 'admissionregistration.k8s.io/v1beta1';
  readonly kind: 'MutatingAdmissionPolicyBindingList';
  readonly metadata: metaV1.ListMeta;
  readonly items: readonly MutatingAdmissionPolicyBinding[];
}

export interface MutatingAdmissionPolicyBindingSpec {
  readonly policyName?: string;
  readonly paramRef?: ParamRef;
  readonly matchResources?: MatchResources;
}
