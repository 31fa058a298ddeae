import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sysctlName } from './sysctl-name.ts';

const names: readonly (readonly [given: string, expected: string])[] = [
  ['kernel.shm_rmid_forced', 'kernel.shm_rmid_forced'],
  ['kernel/shm_rmid_forced', 'kernel.shm_rmid_forced'],
  ['net.ipv4.conf.eno2/100.rp_filter', 'net.ipv4.conf.eno2/100.rp_filter'],
  ['net/ipv4/conf/eno2.100/rp_filter', 'net.ipv4.conf.eno2/100.rp_filter'],
  ['plain', 'plain'],
];

for (const [given, expected] of names) {
  test(`sysctl name: ${given}`, () => assert.equal(sysctlName(given), expected));
}
