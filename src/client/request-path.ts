import type { ApiRequest } from './transport.ts';

const METHODS: Readonly<Record<ApiRequest['verb'], string>> = {
  get: 'GET',
  list: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
};

/** The HTTP method of a verb. */
export function methodOf(verb: ApiRequest['verb']): string {
  return METHODS[verb];
}

/** `/apis/apps/v1/namespaces/default/deployments/web/scale?dryRun=All`. */
export function requestPath({
  resource,
  namespace = '',
  name = '',
  subresource = '',
  query = {},
}: Pick<ApiRequest, 'resource' | 'namespace' | 'name' | 'subresource' | 'query'>): string {
  const root =
    resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const steps = [
    ...(namespace === '' ? [] : ['namespaces', namespace]),
    resource.resource,
    ...(name === '' ? [] : [name]),
    ...(subresource === '' ? [] : subresource.split('/')),
  ];
  const parameters = new URLSearchParams(query).toString();
  return `${root}/${steps.map(encodeURIComponent).join('/')}${parameters === '' ? '' : `?${parameters}`}`;
}
