import type {
  MutatingAdmissionPolicyBindingSpec,
  MutatingAdmissionPolicySpec,
  ValidatingAdmissionPolicyBindingSpec,
  ValidatingAdmissionPolicySpec,
} from '#api/types/admissionregistration.v1.ts';
import type { DeepPartial } from '#api/object.ts';
import {
  MUTATING_ADMISSION_POLICY,
  MUTATING_ADMISSION_POLICY_BINDING,
  VALIDATING_ADMISSION_POLICY,
  VALIDATING_ADMISSION_POLICY_BINDING,
} from '#api/types/resources.ts';
import type { InProcessCluster } from './in-process-cluster.ts';

/** Every write of a config map. */
export const CONFIG_MAPS = {
  resourceRules: [{ operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
} as const;

/** Makes a policy for config maps and binds it; both are called `name`. */
export async function bindPolicy(
  { client }: InProcessCluster,
  name: string,
  spec: DeepPartial<ValidatingAdmissionPolicySpec>,
  binding: DeepPartial<ValidatingAdmissionPolicyBindingSpec> = {},
): Promise<void> {
  await client
    .of(VALIDATING_ADMISSION_POLICY)
    .create({ metadata: { name }, spec: { matchConstraints: CONFIG_MAPS, ...spec } });
  await client.of(VALIDATING_ADMISSION_POLICY_BINDING).create({
    metadata: { name },
    spec: { policyName: name, validationActions: ['Deny'], ...binding },
  });
}

export async function unbindPolicy({ client }: InProcessCluster, name: string): Promise<void> {
  await client.of(VALIDATING_ADMISSION_POLICY_BINDING).delete('', name);
  await client.of(VALIDATING_ADMISSION_POLICY).delete('', name);
}

/** Makes a policy that changes config maps and binds it; both are called `name`. */
export async function bindMutation(
  { client }: InProcessCluster,
  name: string,
  spec: DeepPartial<MutatingAdmissionPolicySpec>,
  binding: DeepPartial<MutatingAdmissionPolicyBindingSpec> = {},
): Promise<void> {
  await client.of(MUTATING_ADMISSION_POLICY).create({
    metadata: { name },
    spec: { matchConstraints: CONFIG_MAPS, reinvocationPolicy: 'Never', ...spec },
  });
  await client
    .of(MUTATING_ADMISSION_POLICY_BINDING)
    .create({ metadata: { name }, spec: { policyName: name, ...binding } });
}

export async function unbindMutation({ client }: InProcessCluster, name: string): Promise<void> {
  await client.of(MUTATING_ADMISSION_POLICY_BINDING).delete('', name);
  await client.of(MUTATING_ADMISSION_POLICY).delete('', name);
}
