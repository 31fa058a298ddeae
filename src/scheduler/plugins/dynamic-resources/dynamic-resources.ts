import type { Plugin } from '../../framework/plugin.ts';
import { unfit } from '../../framework/rejection.ts';

const NAME = 'DynamicResources';
const NOT_ALLOCATED = unfit(NAME, 'resource claims are not allocated by this scheduler yet');

/** Pods with resource claims wait: no claim is allocated here, and to ignore one would start a pod without its device. */
export const dynamicResources: Plugin = {
  name: NAME,
  filterReach: 'cluster',
  preFilter: ({ shape: { spec } }) =>
    (spec.resourceClaims ?? []).length === 0 ? 'skip' : { rejection: NOT_ALLOCATED },
  // Upstream's plugin says so for every pod that found no node, and clients read the sentence.
  postFilter: () => ({ kind: 'helpless', message: 'no new claims to deallocate', clearsNomination: false }),
  queueingHints: [],
};
