import type { Authorizer } from './authorizer.ts';

/** `--authorization-mode=AlwaysAllow` */
export const ALWAYS_ALLOW: Authorizer = { authorize: () => ({ outcome: 'allow', reason: '' }) };

/** `--authorization-mode=AlwaysDeny` */
export const ALWAYS_DENY: Authorizer = {
  authorize: () => ({ outcome: 'noOpinion', reason: 'Everything is forbidden.' }),
};
