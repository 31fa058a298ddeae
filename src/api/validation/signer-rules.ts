import { DNS_SUBDOMAIN_MAX, type NameProblems, dnsLabelProblems, dnsSubdomainProblems } from '../names.ts';
import type { Problems } from './problems.ts';

/** A domain, a slash, a namespace, a dot and a name. */
const SIGNER_NAME_MAX = DNS_SUBDOMAIN_MAX + 1 + 63 + 1 + DNS_SUBDOMAIN_MAX;

/** Who signs a certificate: `example.com/signer-name`, where the path may be names between dots. */
export function checkSignerName(problems: Problems, path: string, name: string): void {
  if (name === '') {
    problems.required(path);
    return;
  }
  const [domain = '', rest, ...more] = name.split('/');
  if (rest === undefined || more.length > 0) {
    problems.invalid(
      path,
      name,
      "must be a fully qualified domain and path of the form 'example.com/signer-name'",
    );
    return;
  }
  if (domain.length > DNS_SUBDOMAIN_MAX) {
    problems.tooLong(path, DNS_SUBDOMAIN_MAX);
  }
  checkLabels(problems, path, domain, dnsLabelProblems);
  if (!domain.includes('.')) {
    problems.invalid(path, domain, 'should be a domain with at least two segments separated by dots');
  }
  checkLabels(problems, path, rest, dnsSubdomainProblems);
  if (name.length > SIGNER_NAME_MAX) {
    problems.tooLong(path, SIGNER_NAME_MAX);
  }
}

/** Tells of the first part that is wrong; the others would only repeat it. */
function checkLabels(
  problems: Problems,
  path: string,
  parts: string,
  rule: (value: string) => NameProblems,
): void {
  const wrong = parts.split('.').find((label) => rule(label).length > 0);
  for (const problem of wrong === undefined ? [] : rule(wrong)) {
    problems.invalid(path, parts, `validating label ${JSON.stringify(wrong)}: ${problem}`);
  }
}

/** The name of a ClusterTrustBundle begins with its signer; without a signer it is as most names are. */
export function trustBundleNameProblems(name: string, signerName: string): NameProblems {
  if (signerName === '') {
    return name.includes(':')
      ? ['ClusterTrustBundle without signer name must not have ":" in its name']
      : dnsSubdomainProblems(name);
  }
  const prefix = `${signerName.replaceAll('/', ':')}:`;
  return name.startsWith(prefix)
    ? dnsSubdomainProblems(name.slice(prefix.length))
    : [`ClusterTrustBundle for signerName ${signerName} must be named with prefix ${prefix}`];
}
