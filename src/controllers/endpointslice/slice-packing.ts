import { isDeepStrictEqual } from 'node:util';
import type { Endpoint, EndpointPort, EndpointSlice } from '#api/types/discovery.v1.ts';

/** Endpoints one slice holds, so that one pod's change costs every watcher little. */
const ENDPOINTS_PER_SLICE_MAX = 100;

/** Endpoints of one address type that offer the same ports. */
export interface EndpointGroup {
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

export interface PackedSlices {
  /** Contents of slices to make. */
  readonly create: readonly EndpointGroup[];
  readonly update: readonly { readonly slice: EndpointSlice; readonly endpoints: readonly Endpoint[] }[];
  readonly keep: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
}

/**
 * Distributes endpoints over slices with the fewest writes: what is in a slice stays there, slices that change
 * anyway are filled first, then one with room for the whole rest, and only then are new ones made.
 */
export function packSlices(
  groups: readonly EndpointGroup[],
  existing: readonly EndpointSlice[],
): PackedSlices {
  const packed = groups.map((group) =>
    packGroup(
      group,
      existing.filter((slice) => isSamePorts(slice.ports ?? [], group.ports)),
    ),
  );
  const matched = new Set(
    packed.flatMap(({ keep, update, remove }) => [...keep, ...remove, ...update.map(({ slice }) => slice)]),
  );
  return {
    create: packed.flatMap(({ create }) => create),
    update: packed.flatMap(({ update }) => update),
    keep: packed.flatMap(({ keep }) => keep),
    remove: [...packed.flatMap(({ remove }) => remove), ...existing.filter((slice) => !matched.has(slice))],
  };
}

interface Draft {
  readonly slice: EndpointSlice;
  endpoints: Endpoint[];
  isChanged: boolean;
}

function packGroup({ ports, endpoints }: EndpointGroup, slices: readonly EndpointSlice[]): PackedSlices {
  const unplaced = new Map(endpoints.map((endpoint) => [identityOf(endpoint), endpoint]));
  const drafts = slices.map((slice) => keepWanted(slice, unplaced));
  const rest = [...unplaced.values()];
  for (const draft of drafts.filter(({ isChanged, endpoints: kept }) => isChanged && kept.length > 0)) {
    fill(draft, rest);
  }
  if (rest.length > 0) {
    const roomy = drafts
      .filter(({ endpoints: kept }) => kept.length + rest.length <= ENDPOINTS_PER_SLICE_MAX)
      .sort((left, right) => right.endpoints.length - left.endpoints.length);
    if (roomy[0] !== undefined) {
      fill(roomy[0], rest);
    }
  }
  const create: EndpointGroup[] = [];
  while (rest.length > 0) {
    create.push({ ports, endpoints: rest.splice(0, ENDPOINTS_PER_SLICE_MAX) });
  }
  return {
    create,
    update: drafts.filter(({ isChanged, endpoints: kept }) => isChanged && kept.length > 0),
    keep: drafts
      .filter(({ isChanged, endpoints: kept }) => !isChanged && kept.length > 0)
      .map(({ slice }) => slice),
    remove: drafts.filter(({ endpoints: kept }) => kept.length === 0).map(({ slice }) => slice),
  };
}

/** What of a slice is still wanted, in its newest state; taken from `unplaced`. */
function keepWanted(slice: EndpointSlice, unplaced: Map<string, Endpoint>): Draft {
  const before = slice.endpoints ?? [];
  const kept: Endpoint[] = [];
  for (const endpoint of before) {
    const identity = identityOf(endpoint);
    const wanted = unplaced.get(identity);
    if (wanted !== undefined) {
      unplaced.delete(identity);
      kept.push(wanted);
    }
  }
  const isChanged =
    kept.length !== before.length ||
    kept.some((endpoint, index) => !isDeepStrictEqual(endpoint, before[index]));
  return { slice, endpoints: kept, isChanged };
}

function fill(draft: Draft, rest: Endpoint[]): void {
  const moved = rest.splice(0, ENDPOINTS_PER_SLICE_MAX - draft.endpoints.length);
  draft.endpoints = [...draft.endpoints, ...moved];
  draft.isChanged ||= moved.length > 0;
}

function identityOf({ addresses, targetRef }: Endpoint): string {
  return `${targetRef?.uid ?? ''}/${addresses.join()}`;
}

function isSamePorts(left: readonly EndpointPort[], right: readonly EndpointPort[]): boolean {
  return isDeepStrictEqual(left.map(canonicalPort).sort(), right.map(canonicalPort).sort());
}

function canonicalPort({ name = '', port, protocol = 'TCP', appProtocol = '' }: EndpointPort): string {
  return [name, port, protocol, appProtocol].join('\0');
}
