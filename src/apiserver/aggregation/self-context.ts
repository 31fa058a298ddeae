import { ALL_AUTHENTICATED, SYSTEM_MASTERS } from '../authn/user.ts';
import type { RequestContext } from '../registry/request-context.ts';

/** The server writing on its own behalf. */
export function selfContext(): RequestContext {
  return {
    user: { name: 'system:apiserver', groups: [SYSTEM_MASTERS, ALL_AUTHENTICATED], extra: {} },
    isDryRun: false,
    fieldManager: 'kube-apiserver',
    fieldValidation: 'Ignore',
    warnings: [],
  };
}
