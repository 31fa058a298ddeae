import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { chooseAdmissionByFlags } from './admission-options.ts';
import { API_SERVER_FLAGS } from './api-server-flags.ts';
import { UsageError } from './command-line.ts';
import { GoFlags } from './go-flags.ts';

function choose(...args: readonly string[]) {
  return chooseAdmissionByFlags(new GoFlags(args, API_SERVER_FLAGS));
}

test('admission plugins: upstream’s defaults, and what is switched on and off', () => {
  const names = ['ResourceQuota', 'NodeRestriction', 'AlwaysPullImages', 'RoleEscalation'];
  assert.deepEqual(names.filter(choose().isPluginOn), ['ResourceQuota', 'RoleEscalation']);
  const { isPluginOn } = choose(
    '--enable-admission-plugins=NodeRestriction,AlwaysPullImages',
    '--disable-admission-plugins=ResourceQuota',
  );
  assert.deepEqual(names.filter(isPluginOn), ['NodeRestriction', 'AlwaysPullImages', 'RoleEscalation']);
});

const WRONG: readonly [args: readonly string[], message: RegExp][] = [
  [['--enable-admission-plugins=Nothing'], /^enable-admission-plugins plugin "Nothing" is unknown$/],
  [
    ['--disable-admission-plugins=ParamAccess'],
    /^disable-admission-plugins plugin "ParamAccess" is unknown$/,
  ],
  [['--enable-admission-plugins=EventRateLimit'], /EventRateLimit is not supported by Coracle yet/],
  [
    ['--enable-admission-plugins=PodSecurity', '--disable-admission-plugins=PodSecurity'],
    /^\[PodSecurity\] in enable-admission-plugins and disable-admission-plugins overlapped$/,
  ],
];

test('admission plugins: what cannot be is refused', () => {
  for (const [args, message] of WRONG) {
    assert.throws(() => choose(...args), { name: UsageError.name, message });
  }
});

const HEAD = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n';
const POD_SECURITY = '{apiVersion: pod-security.admission.config.k8s.io/v1, kind: PodSecurityConfiguration';

/** What is made of a configuration file with these plugins. */
function configure(plugins: string, files: Readonly<Record<string, string>> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'admission-'));
  try {
    for (const [name, text] of Object.entries({ 'config.yaml': `${HEAD}${plugins}`, ...files })) {
      writeFileSync(join(directory, name), text);
    }
    return choose(`--admission-control-config-file=${join(directory, 'config.yaml')}`);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('admission plugins: what pods may do by default is read from a file, or from one that it names', () => {
  const defaults = 'defaults: {enforce: baseline, enforce-version: v1.30, warn: restricted}';
  const configuration = `${POD_SECURITY}, ${defaults}, exemptions: {namespaces: [kube-system], usernames: [eve]}}`;
  const expected = {
    defaults: {
      enforce: { level: 'baseline', minor: 30 },
      warn: { level: 'restricted', minor: 'latest' },
      audit: { level: 'privileged', minor: 'latest' },
    },
    exemptions: {
      namespaces: new Set(['kube-system']),
      runtimeClasses: new Set(),
      usernames: new Set(['eve']),
    },
  };
  const inline = configure(`- name: PodSecurity\n  configuration: ${configuration}\n`);
  assert.deepEqual(inline.podSecurity, expected);
  const named = configure('- {name: PodSecurity, path: own.yaml}\n', { 'own.yaml': configuration });
  assert.deepEqual(named.podSecurity, expected);
  assert.equal(configure('- {name: EventRateLimit, path: gone.yaml}\n').podSecurity, undefined);
});

const BAD_CONFIGURATIONS: readonly [plugins: string, message: RegExp][] = [
  [
    '- {name: ResourceQuota, path: a.yaml}',
    /configuration of admission plugin ResourceQuota is not supported/,
  ],
  ['- {name: PodSecurity, paths: a.yaml}', /strict decoding error: unknown field "plugins\[0\]\.paths"/],
  ['- {name: PodSecurity, path: a.yaml}', /read the admission configuration .*a\.yaml: is the path right\?/],
  [
    `- name: PodSecurity\n  configuration: ${POD_SECURITY}, defaults: {enforce: all, warn-version: '1'}, exemptions: {namespaces: [a, a]}}`,
    /\[defaults\.enforce: Invalid value: "all": must be one of privileged, baseline, restricted, defaults\.warn-version: Invalid value: "1": must be "latest" or "v1\.x", exemptions\.namespaces\[1\]: Duplicate value: "a"\]/,
  ],
];

test('admission plugins: a configuration that cannot be used is refused', () => {
  for (const [plugins, message] of BAD_CONFIGURATIONS) {
    assert.throws(() => configure(plugins), { name: UsageError.name, message });
  }
});
