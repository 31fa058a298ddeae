import { dnsSubdomainProblems } from '../names.ts';
import type { Problems } from './problems.ts';

const HTTP_PATH = /^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/;

/** A path with a domain in front, which says whose it is: `example.com/controller`. */
export function checkDomainPath(problems: Problems, path: string, value: string): void {
  if (value === '') {
    problems.required(path);
    return;
  }
  const slash = value.indexOf('/');
  const [host, rest] = [value.slice(0, Math.max(slash, 0)), value.slice(slash + 1)];
  if (host === '' || rest === '') {
    problems.invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")');
    return;
  }
  problems.names(path, host, dnsSubdomainProblems(host));
  if (!HTTP_PATH.test(rest)) {
    problems.invalid(
      path,
      rest,
      "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')",
    );
  }
}
