import assert from 'node:assert/strict';
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
