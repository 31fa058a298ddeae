import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
} from '#api/types/apiextensions.v1.ts';

export const APPROVAL_ANNOTATION = 'api-approved.kubernetes.io';

export interface Approval {
  readonly state: 'missing' | 'bypassed' | 'approved' | 'invalid';
  readonly sentence: string;
}

const SEE = 'see https://github.com/kubernetes/enhancements/pull/1111';

/** What a definition in one of the project's own groups says of its review; undefined in all other groups. */
export function approvalOf({ metadata, spec: { group } }: CustomResourceDefinition): Approval | undefined {
  if (!/(?:^|\.)(?:k8s|kubernetes)\.io$/.test(group)) {
    return undefined;
  }
  const value = metadata.annotations?.[APPROVAL_ANNOTATION] ?? '';
  const must = `protected groups must have approval annotation ${JSON.stringify(APPROVAL_ANNOTATION)}`;
  if (value === '') {
    return { state: 'missing', sentence: `${must}, ${SEE}` };
  }
  if (value.startsWith('unapproved')) {
    return { state: 'bypassed', sentence: `not approved: ${JSON.stringify(value)}` };
  }
  return URL.canParse(value) && new URL(value).host !== ''
    ? { state: 'approved', sentence: `approved in ${value}` }
    : {
        state: 'invalid',
        sentence: `${must} with either a URL or a reason starting with "unapproved", ${SEE}`,
      };
}

const REASONS: Readonly<Record<Approval['state'], string>> = {
  missing: 'MissingAnnotation',
  bypassed: 'UnapprovedAnnotation',
  approved: 'ApprovedAnnotation',
  invalid: 'InvalidAnnotation',
};

export function approvalCondition({
  state,
  sentence,
}: Approval): Omit<CustomResourceDefinitionCondition, 'lastTransitionTime'> {
  return {
    type: 'KubernetesAPIApprovalPolicyConformant',
    status: state === 'approved' ? 'True' : 'False',
    reason: REASONS[state],
    message: sentence,
  };
}
