import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  MutatingWebhookConfiguration,
  ParamKind,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from '#api/types/admissionregistration.v1.ts';
import type { LabelSelector } from '#api/types/meta.v1.ts';
import { AGE, printer, UNSET } from './printer.ts';

type AnyWebhooks = MutatingWebhookConfiguration | ValidatingWebhookConfiguration;
type AnyBinding = MutatingAdmissionPolicyBinding | ValidatingAdmissionPolicyBinding;

export const WEBHOOKS_PRINTER = printer<AnyWebhooks>([
  { name: 'Webhooks', type: 'integer', cell: ({ webhooks }) => (webhooks ?? []).length },
  AGE,
]);

export const VALIDATING_POLICY_PRINTER = printer<ValidatingAdmissionPolicy>([
  { name: 'Validations', type: 'integer', cell: ({ spec }) => (spec.validations ?? []).length },
  { name: 'ParamKind', cell: ({ spec }) => kindText(spec.paramKind) },
  AGE,
]);

export const MUTATING_POLICY_PRINTER = printer<MutatingAdmissionPolicy>([
  { name: 'Mutations', type: 'integer', cell: ({ spec }) => (spec.mutations ?? []).length },
  { name: 'ParamKind', cell: ({ spec }) => kindText(spec.paramKind) },
  AGE,
]);

export const POLICY_BINDING_PRINTER = printer<AnyBinding>([
  { name: 'PolicyName', cell: ({ spec }) => spec.policyName ?? '' },
  { name: 'ParamRef', cell: ({ spec }) => referenceText(spec.paramRef) },
  AGE,
]);

function kindText(paramKind: ParamKind | undefined): string {
  return paramKind === undefined ? UNSET : `${paramKind.apiVersion ?? ''}/${paramKind.kind ?? ''}`;
}

/** Whether parameters without a namespace are the cluster's own cannot be seen here. */
function referenceText(reference: ParamRef | undefined): string {
  if (reference === undefined) {
    return UNSET;
  }
  const { name = '', namespace = '', selector } = reference;
  if (name !== '') {
    return `${namespace === '' ? '*' : namespace}/${name}`;
  }
  return selector === undefined ? UNSET : selectorText(selector);
}

/** As Go prints one. */
function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const labels = Object.entries(matchLabels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}: ${value},`);
  const expressions = matchExpressions.map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  );
  return `&LabelSelector{MatchLabels:map[string]string{${labels.join('')}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`;
}
