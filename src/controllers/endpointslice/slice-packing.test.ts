import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint, EndpointSlice } from '#api/types/discovery.v1.ts';
import { ENDPOINT_SLICE } from '#api/types/resources.ts';
import { StaticInformers } from '#client/static-informers.ts';
import { packSlices } from './slice-packing.ts';

const PORTS = [{ name: '', port: 80, protocol: 'TCP' }] as const;

/** `a0-99` is a hundred ready endpoints; `!` in front makes them not ready. */
function endpoints(sketch: string): readonly Endpoint[] {
  return sketch.split(' ').flatMap((part) => {
    const [, mark = '', letter = '', from = '0', to = from] =
      /^(!?)([a-z])(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    return Array.from({ length: letter === '' ? 0 : Number(to) - Number(from) + 1 }, (_, offset) => ({
      addresses: [`${letter}${Number(from) + offset}`],
      conditions: { ready: mark === '' },
    }));
  });
}

const rows: readonly { name: string; wanted: string; slices: readonly string[]; writes: string }[] = [
  { name: 'first endpoints', wanted: 'a0-2', slices: [], writes: 'create 3' },
  {
    name: 'more than one slice holds',
    wanted: 'a0-249',
    slices: [],
    writes: 'create 100, create 100, create 50',
  },
  { name: 'nothing changed', wanted: 'a0-2', slices: ['a0-2'], writes: '' },
  { name: 'one is not ready any more', wanted: '!a0 a1-2', slices: ['a0-2'], writes: 'update s0 3' },
  { name: 'one went, one came', wanted: 'a0-1 a9', slices: ['a0-2'], writes: 'update s0 3' },
  { name: 'a new one fits beside', wanted: 'a0-2 b0', slices: ['a0-2'], writes: 'update s0 4' },
  { name: 'a new one does not fit', wanted: 'a0-99 b0', slices: ['a0-99'], writes: 'create 1' },
  {
    name: 'the fullest with room takes it',
    wanted: 'a0-9 b0-19 c0',
    slices: ['a0-9', 'b0-19'],
    writes: 'update s1 21',
  },
  { name: 'an emptied slice goes', wanted: 'a0-2', slices: ['a0-2', 'b0-2'], writes: 'remove s1' },
];

for (const { name, wanted, slices, writes } of rows) {
  test(`packSlices: ${name}`, () => {
    const informers = new StaticInformers();
    const existing: readonly EndpointSlice[] = slices.map((sketch, index) =>
      informers.set(ENDPOINT_SLICE, {
        metadata: { namespace: 'ns', name: `s${index}` },
        addressType: 'IPv4',
        ports: PORTS,
        endpoints: endpoints(sketch),
      }),
    );
    const packed = packSlices([{ ports: PORTS, endpoints: endpoints(wanted) }], existing);
    const told = [
      ...packed.create.map((group) => `create ${group.endpoints.length}`),
      ...packed.update.map((update) => `update ${update.slice.metadata.name} ${update.endpoints.length}`),
      ...packed.remove.map(({ metadata }) => `remove ${metadata.name}`),
    ];
    assert.equal(told.join(', '), writes);
  });
}
