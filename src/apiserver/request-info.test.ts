import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRequestInfo } from './request-info.ts';

const REQUESTS: readonly [request: string, read: string][] = [
  ['GET /api/v1/pods', 'list /pods  '],
  ['GET /api/v1/namespaces/a/pods/p', 'get /pods a p'],
  ['GET /api/v1/namespaces/a/pods/p/log', 'get /pods/log a p'],
  ['GET /apis/apps/v1/namespaces/a/deployments?watch=1', 'watch apps/deployments a '],
  ['GET /api/v1/watch/namespaces/a/pods', 'watch /pods a '],
  ['DELETE /api/v1/namespaces/a/pods', 'deletecollection /pods a '],
  ['DELETE /api/v1/namespaces/a/pods?fieldSelector=metadata.name%3Dp', 'deletecollection /pods a '],
  ['GET /api/v1/namespaces/a', 'get /namespaces a a'],
  ['PUT /api/v1/namespaces/a/finalize', 'update /namespaces/finalize a a'],
  ['GET /api/v1/namespaces/a/pods?fieldSelector=metadata.name%3Dp', 'list /pods a p'],
  ['GET /api/v1/secrets?fieldSelector=a%3Db,metadata.name%3D%3Ds&watch=true', 'watch /secrets  s'],
  ['GET /api/v1/secrets?fieldSelector=metadata.name!%3Ds', 'list /secrets  '],
  ['GET /api/v1/secrets?fieldSelector=metadata.name%3D..', 'list /secrets  '],
  ['GET /api/v1/secrets?fieldSelector=metadata.namespace%3Da', 'list /secrets  '],
  ['GET /healthz', 'get path /healthz'],
  ['POST /api', 'post path /api'],
];

test('request info: method, path and selectors say what is wanted', () => {
  for (const [request, read] of REQUESTS) {
    const [method = '', url = ''] = request.split(' ');
    const [path = '', search = ''] = url.split('?');
    const info = parseRequestInfo(method, path, new URLSearchParams(search));
    const { verb, group, resource, subresource, namespace, name } = info;
    const what = subresource === '' ? resource : `${resource}/${subresource}`;
    const said = info.isResource
      ? `${verb} ${group}/${what} ${namespace} ${name}`
      : `${verb} path ${info.path}`;
    assert.equal(said, read, request);
  }
});
