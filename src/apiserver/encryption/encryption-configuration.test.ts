import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigFileError } from '../config-file.ts';
import { parseEncryptionConfiguration } from './encryption-configuration.ts';

const HEAD = 'apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n';
const SECRET = Buffer.alloc(32, 7).toString('base64');

function entry(resources: string, providers: string): string {
  return `- resources: [${resources}]\n  providers: [${providers}]\n`;
}

test('encryption configuration: resources and providers in their order', () => {
  const text = `${HEAD}resources:\n${entry('secrets, configmaps', `{aescbc: {keys: [{name: k, secret: ${SECRET}}]}}, {identity: {}}`)}${entry('"*.apps"', '{kms: {apiVersion: v2, name: vault, endpoint: "unix:///run/kms.sock", timeout: 1500ms}}')}`;
  assert.deepEqual(parseEncryptionConfiguration(text), [
    {
      resources: ['secrets', 'configmaps'],
      providers: [
        { kind: 'aescbc', keys: [{ name: 'k', secret: Buffer.alloc(32, 7) }] },
        { kind: 'identity' },
      ],
    },
    {
      resources: ['*.apps'],
      providers: [{ kind: 'kms', name: 'vault', endpoint: 'unix:///run/kms.sock', timeoutMs: 1500 }],
    },
  ]);
});

const keys = (list: string): string => `{aesgcm: {keys: [${list}]}}`;
const PROVIDERS = 'resources[0].providers[0]';

const bad: readonly { name: string; text: string; message: string }[] = [
  {
    name: 'another kind',
    text: 'apiVersion: v1\nkind: Secret\n',
    message:
      'no kind "Secret" is registered for version "v1": write kind EncryptionConfiguration of apiserver.config.k8s.io/v1',
  },
  { name: 'nothing', text: HEAD, message: 'resources: Required value: at least one resources is required' },
  {
    name: 'unknown fields',
    text: `${HEAD}resources:\n- resources: [secrets]\n  provider: []\n`,
    message: 'strict decoding error: unknown field "resources[0].provider"',
  },
  {
    name: 'no providers',
    text: `${HEAD}resources:\n${entry('secrets', '')}`,
    message: 'resources[0].providers: Required value: at least one resources[0].providers is required',
  },
  {
    name: 'a short key, shown to nobody',
    text: `${HEAD}resources:\n${entry('secrets', keys('{name: k, secret: c2hvcnQ=}'))}`,
    message: `${PROVIDERS}.aesgcm.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected length, got 5, expected one of [16 24 32]`,
  },
  {
    name: 'a key that is no base64, and one without a name',
    text: `${HEAD}resources:\n${entry('secrets', keys(`{name: k, secret: "?"}, {secret: ${SECRET}}`))}`,
    message: `[${PROVIDERS}.aesgcm.keys[0].secret: Invalid value: "REDACTED": secrets must be base64 encoded, ${PROVIDERS}.aesgcm.keys[1].name: Required value: name is a mandatory field for a key]`,
  },
  {
    name: 'two providers in one element',
    text: `${HEAD}resources:\n${entry('secrets', '{identity: {}, aescbc: {}}')}`,
    message: `${PROVIDERS}: Invalid value: "REDACTED": more than one provider specified in a single element, should split into different list elements`,
  },
  {
    name: 'masked resources',
    text: `${HEAD}resources:\n${entry('"*.*", secrets', '{identity: {}}')}`,
    message: `resources[0].resources: Invalid value: ["*.*","secrets"]: using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked`,
  },
  {
    name: 'resources masked by an earlier entry',
    text: `${HEAD}resources:\n${entry('"*."', '{identity: {}}')}${entry('secrets', '{identity: {}}')}`,
    message: 'resource "secrets" is masked by earlier rule "*."',
  },
  {
    name: 'names that do not name a resource',
    text: `${HEAD}resources:\n${entry('"*", Deployments.apps, events.events.k8s.io, "pods.*"', '{identity: {}}')}`,
    message: `[resources[0].resources[0]: Invalid value: "*": use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources, resources[0].resources[1]: Invalid value: "Deployments.apps": resource name should not contain capital letters, resources[0].resources[2]: Invalid value: "events.events.k8s.io": '*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file, resources[0].resources[3]: Invalid value: "pods.*": encrypting the same resource across groups is not supported]`,
  },
  {
    name: 'a plugin elsewhere than behind a socket',
    text: `${HEAD}resources:\n${entry('secrets', '{kms: {apiVersion: v2, name: "a:b", endpoint: "tcp://host:1"}}')}`,
    message: `[${PROVIDERS}.kms.name: Invalid value: "a:b": invalid KMS provider name a:b, must not contain ':', ${PROVIDERS}.kms.endpoint: Invalid value: "tcp://host:1": unsupported scheme "tcp" for KMS provider, only unix is supported]`,
  },
];

for (const { name, text, message } of bad) {
  test(`encryption configuration: ${name} is refused`, () => {
    assert.throws(
      () => parseEncryptionConfiguration(text),
      (error: unknown) => {
        assert.ok(error instanceof ConfigFileError);
        assert.equal(error.message, message);
        return true;
      },
    );
  });
}
