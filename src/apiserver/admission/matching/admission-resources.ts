import type { AdmissionAttributes } from '../admission.ts';

const GROUP = 'admissionregistration.k8s.io';

const POLICIES: ReadonlySet<string> = new Set([
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
]);

const WEBHOOKS: ReadonlySet<string> = new Set([
  'validatingwebhookconfigurations',
  'mutatingwebhookconfigurations',
]);

/** True for what webhooks never see: with a broken one, nothing that decides admission could be repaired any more. */
export function decidesAdmission(attributes: AdmissionAttributes): boolean {
  const { group, resource } = attributes.resource;
  return isPolicy(attributes) || (group === GROUP && WEBHOOKS.has(resource));
}

/** True for what policies never see; they may guard webhooks. */
export function isPolicy({ resource: { group, resource } }: AdmissionAttributes): boolean {
  return group === GROUP && POLICIES.has(resource);
}
