import { dnsSubdomainProblems } from '../names.ts';
import type { Problems } from './problems.ts';

/** What is wrong with the address of a webhook. */
export function checkWebhookUrl(problems: Problems, path: string, text: string): void {
  const form = '; desired format: https://host[/path]';
  if (!URL.canParse(text)) {
    problems.required(path, `url must be a valid URL${form}`);
    return;
  }
  const url = new URL(text);
  if (url.protocol !== 'https:') {
    problems.invalid(path, url.protocol.slice(0, -1), `'https' is the only allowed URL scheme${form}`);
  }
  if (url.host === '') {
    problems.invalid(path, url.host, `host must be specified${form}`);
  }
  if (url.username !== '' || url.password !== '') {
    problems.invalid(path, url.username, 'user information is not permitted in the URL');
  }
  if (url.hash !== '') {
    problems.invalid(path, url.hash.slice(1), 'fragments are not permitted in the URL');
  }
  if (url.search !== '') {
    problems.invalid(path, url.search.slice(1), 'query parameters are not permitted in the URL');
  }
}

/** What is wrong with the path of a webhook's service. */
export function checkWebhookPath(problems: Problems, at: string, path: string | undefined): void {
  if (path === undefined || path === '' || path === '/') {
    return;
  }
  if (path === '//') {
    problems.invalid(at, path, 'segment[0] may not be empty');
    return;
  }
  if (!path.startsWith('/')) {
    problems.invalid(at, path, "must start with a '/'");
  }
  const steps = path.slice(1).replace(/\/$/, '').split('/');
  for (const [index, step] of steps.entries()) {
    if (step === '') {
      problems.invalid(at, path, `segment[${index}] may not be empty`);
    } else {
      for (const wrong of dnsSubdomainProblems(step)) {
        problems.invalid(at, path, `segment[${index}]: ${wrong}`);
      }
    }
  }
}
