import { dns1035LabelProblems, dnsSubdomainProblems, pathSegmentProblems } from '../names.ts';
import type { APIService } from '../types/apiregistration.v1.ts';
import type { KindRules } from './kind-rules.ts';
import type { Problems } from './problems.ts';

const GROUP_PRIORITY_MAX = 20_000;
const VERSION_PRIORITY_MAX = 1000;
const CONDITION_STATUSES: readonly string[] = ['True', 'False', 'Unknown'];

export const API_SERVICE_RULES: KindRules<APIService> = {
  nameRule: pathSegmentProblems,
  check(problems, { metadata: { name }, spec }) {
    const { group = '', version = '' } = spec;
    const wanted = `${version}.${group}`;
    // An empty name, and one that no path could hold, were named already.
    if (name !== '' && pathSegmentProblems(name).length === 0 && name !== wanted) {
      problems.invalid(
        'metadata.name',
        name,
        `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`,
      );
    }
    if (group === '' && version !== 'v1') {
      problems.required('spec.group', 'only v1 may have an empty group and it better be legacy kube');
    }
    if (group !== '') {
      problems.names('spec.group', group, dnsSubdomainProblems(group));
    }
    problems.names('spec.version', version, dns1035LabelProblems(version));
    checkPriority(problems, 'groupPriorityMinimum', spec.groupPriorityMinimum, GROUP_PRIORITY_MAX);
    checkPriority(problems, 'versionPriority', spec.versionPriority, VERSION_PRIORITY_MAX);
    checkConnection(problems, spec);
  },
  onStatusUpdate(problems, { status }) {
    for (const [index, condition] of (status.conditions ?? []).entries()) {
      problems.oneOf(`status.conditions[${index}].status`, condition.status, CONDITION_STATUSES);
    }
  },
};

function checkPriority(problems: Problems, field: string, value: number, max: number): void {
  if (value <= 0 || value > max) {
    problems.invalid(`spec.${field}`, value, `must be positive and less than ${max}`);
  }
}

function checkConnection(
  problems: Problems,
  { service, caBundle = '', insecureSkipTLSVerify = false }: APIService['spec'],
): void {
  if (service === undefined) {
    if (caBundle !== '') {
      const length = Buffer.from(caBundle, 'base64').length;
      problems.invalid('spec.caBundle', `${length} bytes`, 'local APIServices may not have a caBundle');
    }
    if (insecureSkipTLSVerify) {
      problems.invalid(
        'spec.insecureSkipTLSVerify',
        true,
        'local APIServices may not have insecureSkipTLSVerify',
      );
    }
    return;
  }
  for (const field of ['namespace', 'name'] as const) {
    if ((service[field] ?? '') === '') {
      problems.required(`spec.service.${field}`);
    }
  }
  if (insecureSkipTLSVerify && caBundle !== '') {
    problems.invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present');
  }
}
