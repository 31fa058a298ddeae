import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CustomResourceDefinitionVersion } from '#api/types/apiextensions.v1.ts';
import { CONFIG_MAP, CUSTOM_RESOURCE_DEFINITION } from '#api/types/resources.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { startCluster } from '#testing/testing.ts';
import { customResource, type CustomObject } from '../custom-resource.ts';
import { converting, defaulting, validating, type ServedWebhook } from './served-webhook.ts';
import { servingCertificate } from './serving-certificate.ts';
import { answerAdmission, answerConversion, ReviewError } from './webhook-answers.ts';
import { serveWebhooks, type WebhookServer } from './webhook-server.ts';

const certificate = servingCertificate();

function serve(...webhooks: readonly ServedWebhook[]): Promise<WebhookServer> {
  return serveWebhooks({ webhooks, certificate }, SILENT_LOGGER);
}

test('webhooks: a default is filled in and a refusal reaches whoever wrote the object', async () => {
  await using cluster = await startCluster({ nodes: 0, hasComponents: false });
  await using server = await serve(
    defaulting(CONFIG_MAP, (map) => ({ ...map, data: { color: 'blue', ...map.data } })),
    validating(CONFIG_MAP, ({ data }, { previous, operation }) =>
      data?.['color'] === 'red'
        ? `red is not for ${operation}; it was ${previous?.data?.['color'] ?? 'nothing'}`
        : { warnings: ['colors fade'] },
    ),
  );
  await cluster.apply(server.configurations('colors'));
  const made = await cluster.create(CONFIG_MAP, { metadata: { name: 'a' } });
  assert.deepEqual(made.data, { color: 'blue' });
  await assert.rejects(
    cluster.create(CONFIG_MAP, { metadata: { name: 'b' }, data: { color: 'red' } }),
    /^StatusError: admission webhook "validating\.configmaps\.core\.k8s\.io" denied the request: red is not for CREATE; it was nothing$/,
  );
  await assert.rejects(
    cluster.client.of(CONFIG_MAP).patch('default', 'a', { data: { color: 'red' } }, { type: 'merge' }),
    /red is not for UPDATE; it was blue$/,
  );
});

test('webhooks: an object that was stored in one version is read in another', async () => {
  interface Thing extends CustomObject<{ readonly text?: string; readonly words?: readonly string[] }> {}
  const names = { group: 'test.example.com', kind: 'Thing', plural: 'things' };
  const [old, current] = [
    customResource<Thing>({ ...names, version: 'v1' }),
    customResource<Thing>({ ...names, version: 'v2' }),
  ];
  await using cluster = await startCluster({ nodes: 0, hasComponents: false });
  await using server = await serve(
    converting('test.example.com', (object, apiVersion) => {
      const { text = '', words = [] } = (object as Thing).spec;
      const spec = apiVersion.endsWith('/v2') ? { words: text.split(' ') } : { text: words.join(' ') };
      return { ...object, spec };
    }),
  );
  const schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const version = (name: string, storage: boolean): CustomResourceDefinitionVersion => ({
    name,
    storage,
    served: true,
    schema: { openAPIV3Schema: schema },
  });
  await cluster.create(CUSTOM_RESOURCE_DEFINITION, {
    metadata: { name: 'things.test.example.com' },
    spec: {
      group: 'test.example.com',
      scope: 'Namespaced',
      names: { plural: 'things', kind: 'Thing' },
      conversion: server.conversion(),
      versions: [version('v1', true), version('v2', false)],
    },
  });
  await cluster.clock.settle();
  await cluster.create(old, { metadata: { name: 'a' }, spec: { text: 'two words' } });
  const read = await cluster.get({ resource: current, name: 'a' });
  assert.deepEqual([read.apiVersion, read.spec], ['test.example.com/v2', { words: ['two', 'words'] }]);
});

test('webhooks: a webhook that throws refuses with what it threw', async () => {
  const [webhook] = [
    validating(CONFIG_MAP, () => {
      throw new Error('out of order');
    }),
  ];
  assert.ok(webhook?.kind === 'validating');
  const request = { uid: 'u', operation: 'CREATE', object: {} } as unknown as object;
  const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request } as Parameters<
    typeof answerAdmission
  >[1];
  assert.deepEqual(await answerAdmission(webhook, review), {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: 'u', allowed: false, status: { code: 500, message: 'out of order' } },
  });
  await assert.rejects(answerAdmission(webhook, {}), ReviewError);
});

test('webhooks: conversion answers every object in the version asked for, or says why not', async () => {
  const [webhook] = [
    converting('test.example.com', (object) => {
      if (object.metadata.name === 'bad') {
        throw new Error('no such color');
      }
      return { ...object, kind: object.kind };
    }),
  ];
  assert.ok(webhook?.kind === 'converting');
  const ask = (...names: readonly string[]): Promise<object> =>
    answerConversion(webhook, {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'ConversionReview',
      request: {
        uid: 'u',
        desiredAPIVersion: 'test.example.com/v2',
        objects: names.map((name) => ({
          apiVersion: 'test.example.com/v1',
          kind: 'Thing',
          metadata: { name },
        })),
      },
    });
  assert.deepEqual(await ask('good'), {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'ConversionReview',
    response: {
      uid: 'u',
      convertedObjects: [{ apiVersion: 'test.example.com/v2', kind: 'Thing', metadata: { name: 'good' } }],
      result: { status: 'Success' },
    },
  });
  const { response } = (await ask('good', 'bad')) as { response: { result: object } };
  assert.deepEqual(response.result, { status: 'Failure', message: 'no such color' });
});
