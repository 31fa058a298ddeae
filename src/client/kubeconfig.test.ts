import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { kubeconfigYaml } from '#cluster/pki/kubeconfig-file.ts';
import { loadKubeconfig, parseKubeconfig } from './kubeconfig.ts';

const content = {
  clusterName: 'kubernetes',
  server: 'https://10.0.0.1:6443',
  authorityPem: 'CA',
  userName: 'admin',
  credential: { certificatePem: 'CERT', keyPem: 'KEY' },
};

test('kubeconfig: what the cluster writes is read back', () => {
  const { server, ca, cert, key, namespace, contextName } = parseKubeconfig(kubeconfigYaml(content), {
    directory: '/',
  });
  assert.deepEqual(
    { server, ca, cert, key, namespace, contextName },
    {
      server: content.server,
      ca: 'CA',
      cert: 'CERT',
      key: 'KEY',
      namespace: 'default',
      contextName: 'admin@kubernetes',
    },
  );
});

test('kubeconfig: files beside it, another context, a token that changes', () => {
  const directory = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
  writeFileSync(join(directory, 'ca.pem'), 'CA');
  writeFileSync(join(directory, 'token'), 'first\n');
  writeFileSync(
    join(directory, 'config'),
    `
clusters: [{name: c, cluster: {server: "https://c", certificate-authority: ca.pem, tls-server-name: api}}]
users: [{name: u, user: {tokenFile: token}}]
contexts: [{name: x, context: {cluster: c, user: u, namespace: team}}]
`,
  );
  const { ca, token, namespace, serverName } = loadKubeconfig(join(directory, 'config'), 'x');
  assert.deepEqual({ ca, namespace, serverName }, { ca: 'CA', namespace: 'team', serverName: 'api' });
  assert.ok(typeof token === 'function');
  assert.equal(token(), 'first');
  writeFileSync(join(directory, 'token'), 'second');
  assert.equal(token(), 'second');
  rmSync(directory, { recursive: true });
});

const broken: readonly { readonly text: string; readonly message: RegExp }[] = [
  { text: '{}', message: /no current context/ },
  { text: 'current-context: x', message: /no context named "x"/ },
  { text: '[]', message: /not a mapping/ },
  { text: 'a: [', message: /not YAML/ },
];

for (const { text, message } of broken) {
  test(`kubeconfig: ${JSON.stringify(text)} is refused`, () => {
    assert.throws(() => parseKubeconfig(text, { directory: '/' }), { name: 'KubeconfigError', message });
  });
}
