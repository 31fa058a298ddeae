import { badRequest, StatusError } from '#api/status-error.ts';
import { RecentMap } from '#base/recent-map.ts';
import type { Attributes, Authorizer } from '../authz/authorizer.ts';
import { constrainedModes, legacyMode, type ImpersonationMode } from './impersonation-modes.ts';
import { extraOf, valuesOf, type HeaderSource } from './request-header.ts';
import { headerOf, type AuthnRequest, type UserInfo } from './user.ts';

const EXTRA_PREFIX = 'impersonate-extra-';

/** Senders whose way of impersonating is remembered. */
const SENDERS_MAX = 10_000;

/** Whom a request counts as from now on. */
export interface Impersonated {
  readonly user: UserInfo;
  /** The verb of the constrained mode that allowed it; empty when the old verb did. For the audit log. */
  readonly constraint: string;
}

/** True when a request wants to be taken for somebody else's. Cheap: most do not. */
export function wantsImpersonation({ headers }: Pick<AuthnRequest, 'headers'>): boolean {
  for (const name in headers) {
    if (name.startsWith('impersonate-')) {
      return true;
    }
  }
  return false;
}

/**
 * Lets requests count as somebody else's: those that their `Impersonate-` headers name, if the sender may.
 *
 * What the sender may is asked in the constrained modes first (KEP-5284), which say for whom and for which requests
 * somebody may be impersonated, and last by the verb `impersonate` alone. The way that was good for a sender before
 * is tried first.
 */
export class Impersonation {
  readonly #modes: readonly ImpersonationMode[];
  readonly #lastGood = new RecentMap<string, ImpersonationMode>(SENDERS_MAX);

  constructor(authorizer: Authorizer) {
    this.#modes = [...constrainedModes(authorizer), legacyMode(authorizer)];
  }

  /**
   * @param attributes what the sender wants to do as somebody else
   * @throws {StatusError} 403 for the first thing the sender may not, 400 for headers that name nobody
   */
  async impersonate(request: HeaderSource, attributes: Attributes): Promise<Impersonated> {
    const wanted = wantedUser(request);
    const sender = attributes.user.name;
    const lastGood = this.#lastGood.get(sender);
    const modes =
      lastGood === undefined ? this.#modes : [lastGood, ...this.#modes.filter((mode) => mode !== lastGood)];
    let refusal: StatusError | undefined;
    for (const mode of modes) {
      try {
        const user = await mode.check(wanted, attributes);
        if (user !== undefined) {
          this.#lastGood.set(sender, mode);
          return { user, constraint: mode.constraint };
        }
      } catch (error) {
        if (!(error instanceof StatusError)) {
          throw error;
        }
        refusal ??= error;
      }
    }
    throw refusal ?? badRequest('nobody can be impersonated like that');
  }
}

/** @throws {StatusError} 400 when there is no name */
function wantedUser(request: HeaderSource): UserInfo {
  const name = headerOf(request, 'impersonate-user') ?? '';
  const uid = headerOf(request, 'impersonate-uid') ?? '';
  const groups = valuesOf(request, 'impersonate-group');
  const extra = extraOf(request, EXTRA_PREFIX);
  if (name === '') {
    throw badRequest(`requested ${goText({ uid, groups, extra })} without impersonating a user name`);
  }
  return { name, ...(uid === '' ? {} : { uid }), groups, extra };
}

/** As upstream's message shows it. */
function goText({
  uid,
  groups,
  extra,
}: {
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: UserInfo['extra'];
}): string {
  const list = (texts: readonly string[]): string =>
    `[]string{${texts.map((text) => JSON.stringify(text)).join(', ')}}`;
  const keys = Object.keys(extra).toSorted();
  const map = keys.map((key) => `${JSON.stringify(key)}:${list(extra[key] ?? [])}`).join(', ');
  const groupsText = groups.length === 0 ? '[]string(nil)' : list(groups);
  const extraText = keys.length === 0 ? 'map[string][]string(nil)' : `map[string][]string{${map}}`;
  return `&user.DefaultInfo{Name:"", UID:${JSON.stringify(uid)}, Groups:${groupsText}, Extra:${extraText}}`;
}
