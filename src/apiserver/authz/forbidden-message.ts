import { forbidden, internalError, type StatusError } from '#api/status-error.ts';
import type { Attributes, Authorizer, Decision } from './authorizer.ts';

/** `User "x" cannot list resource "pods" in API group "" in the namespace "y"`, and why if that is known. */
export function forbiddenMessage(attributes: Attributes, reason = ''): string {
  const sentence = attributes.isResourceRequest ? resourceSentence(attributes) : pathSentence(attributes);
  // Some clients show the message as HTML.
  const safe = sentence.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return reason === '' ? safe : `${safe}: ${reason}`;
}

function pathSentence({ user, verb, path }: Attributes): string {
  return `User ${JSON.stringify(user.name)} cannot ${verb} path ${JSON.stringify(path)}`;
}

function resourceSentence({ user, verb, apiGroup, resource, subresource, namespace }: Attributes): string {
  const what = subresource === '' ? resource : `${resource}/${subresource}`;
  const scope = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  return `User ${JSON.stringify(user.name)} cannot ${verb} resource ${JSON.stringify(what)} in API group ${JSON.stringify(apiGroup)} ${scope}`;
}

/** The error a refused request is answered with. */
export function forbiddenError(attributes: Attributes, reason = ''): StatusError {
  const { apiGroup, resource, name, isResourceRequest } = attributes;
  return forbidden(
    isResourceRequest ? { group: apiGroup, resource } : { group: '', resource: '' },
    isResourceRequest ? name : '',
    forbiddenMessage(attributes, reason),
  );
}

/** @throws {StatusError} 403 unless the authorizer allows it */
export function requireAllowed(authorizer: Authorizer, attributes: Attributes): void {
  const { outcome, reason } = authorizer.authorize(attributes);
  if (outcome !== 'allow') {
    throw forbiddenError(attributes, reason);
  }
}

/** What a request is answered with that was not allowed: an error of the server when somebody could not decide. */
export function refusal(attributes: Attributes, { reason, error }: Decision): StatusError {
  return error === undefined ? forbiddenError(attributes, reason) : internalError(error);
}
