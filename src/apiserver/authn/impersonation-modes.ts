import { dnsSubdomainProblems } from '#api/names.ts';
import { checkDomainPath } from '#api/validation/domain-path-rules.ts';
import { Problems } from '#api/validation/problems.ts';
import { fieldErrorText } from '#api/status-error.ts';
import { decisionOn, type Attributes, type Authorizer } from '../authz/authorizer.ts';
import { forbiddenError } from '../authz/forbidden-message.ts';
import { EXTRA_KEY, parseServiceAccountUserName, serviceAccountGroups } from './service-account-identity.ts';
import {
  ALL_AUTHENTICATED,
  ALL_UNAUTHENTICATED,
  ANONYMOUS_NAME,
  NODE_USER_PREFIX,
  NODES_GROUP,
  SYSTEM_MASTERS,
  type UserInfo,
} from './user.ts';

/** One way in which somebody may be allowed to act as another. */
export interface ImpersonationMode {
  /** For the audit log; empty for the old way. */
  readonly constraint: string;
  /**
   * The user in full, or undefined when this way is not for the one who is wanted.
   *
   * @throws {StatusError} 403 for the first thing the sender may not
   */
  check(wanted: UserInfo, attributes: Attributes): Promise<UserInfo | undefined>;
}

const AUTHENTICATION_GROUP = 'authentication.k8s.io';
/** From so many groups or extra values on, all of them are asked for at once first. */
const MANY = 4;
/** What is known of a service account's node is not the authorizer's business beyond which keys there are. */
const NODE_KEYS = 'authentication.kubernetes.io/associated-node-keys';

/** The modes that say for whom, and for which requests, in the order in which they are tried. */
export function constrainedModes(authorizer: Authorizer): readonly ImpersonationMode[] {
  return [
    constrained(authorizer, 'associated-node', {
      isFor: (wanted, sender) => isNameOnly(wanted) && isNodeOf(sender, wanted.name),
      seenAs: withNodeKeysOnly,
    }),
    constrained(authorizer, 'arbitrary-node', {
      isFor: (wanted) => isNameOnly(wanted) && nodeNameIn(wanted.name) !== undefined,
    }),
    constrained(authorizer, 'serviceaccount', {
      isFor: (wanted) => isNameOnly(wanted) && parseServiceAccountUserName(wanted.name) !== undefined,
    }),
    constrained(authorizer, 'user-info', {
      isFor: ({ name }) => nodeNameIn(name) === undefined && parseServiceAccountUserName(name) === undefined,
    }),
  ];
}

/** The verb `impersonate` on users, service accounts, groups, UIDs and extra values, for any request. */
export function legacyMode(authorizer: Authorizer): ImpersonationMode {
  return {
    constraint: '',
    async check(wanted, { user: sender }) {
      const account = parseServiceAccountUserName(wanted.name);
      const asking = new Asking(authorizer, { sender, verb: 'impersonate', group: '' });
      await asking.forName(wanted.name);
      await asking.forUid(wanted.uid);
      await asking.forEach(wanted.groups, 'groups');
      await asking.forExtra(wanted.extra);
      return completed(wanted, account === undefined ? [] : serviceAccountGroups(account.namespace));
    },
  };
}

interface Applicability {
  readonly isFor: (wanted: UserInfo, sender: UserInfo) => boolean;
  /** The attributes as they are asked about. */
  readonly seenAs?: (attributes: Attributes) => Attributes;
}

function constrained(
  authorizer: Authorizer,
  mode: string,
  { isFor, seenAs = (attributes) => attributes }: Applicability,
): ImpersonationMode {
  const constraint = `impersonate:${mode}`;
  return {
    constraint,
    async check(wanted, attributes) {
      if (!isFor(wanted, attributes.user)) {
        return undefined;
      }
      const seen = seenAs(attributes);
      await requireDecision(authorizer, { ...seen, verb: `impersonate-on:${mode}:${attributes.verb}` });
      const asking = new Asking(authorizer, {
        sender: seen.user,
        verb: constraint,
        group: AUTHENTICATION_GROUP,
        // Any of the account's nodes may be the one.
        ...(mode === 'associated-node' ? { nodeName: '*' } : {}),
      });
      await asking.forName(wanted.name);
      await asking.forUid(wanted.uid);
      await asking.forGroups(wanted.groups);
      await asking.forCheckedExtra(wanted.extra);
      return completed(wanted, fixedGroups(wanted.name));
    },
  };
}

interface Asked {
  readonly sender: UserInfo;
  readonly verb: string;
  /** API group of users and groups; UIDs and extra values are always of `authentication.k8s.io`. */
  readonly group: string;
  readonly nodeName?: string;
}

/** Asks for each part of the wanted identity whether the sender may take it on. */
class Asking {
  readonly #authorizer: Authorizer;
  readonly #asked: Asked;

  constructor(authorizer: Authorizer, asked: Asked) {
    this.#authorizer = authorizer;
    this.#asked = asked;
  }

  async forName(name: string): Promise<void> {
    const account = parseServiceAccountUserName(name);
    const node = this.#asked.group === '' ? undefined : nodeNameIn(name);
    if (account !== undefined) {
      await this.#require('serviceaccounts', account.name, { namespace: account.namespace });
    } else if (node !== undefined) {
      await this.#require('nodes', this.#asked.nodeName ?? node);
    } else {
      await this.#require('users', name);
    }
  }

  async forUid(uid: string | undefined): Promise<void> {
    if (uid !== undefined && uid !== '') {
      await this.#require('uids', uid, { apiGroup: AUTHENTICATION_GROUP });
    }
  }

  async forEach(groups: readonly string[], resource: string): Promise<void> {
    for (const group of groups) {
      await this.#require(resource, group);
    }
  }

  /** Nobody becomes a master, or a member of nothing, this way. */
  async forGroups(groups: readonly string[]): Promise<void> {
    if (groups.includes('')) {
      throw forbiddenError(
        this.#attributes('groups', ''),
        'impersonating the empty string group is not allowed',
      );
    }
    if (groups.includes(SYSTEM_MASTERS)) {
      throw forbiddenError(
        this.#attributes('groups', SYSTEM_MASTERS),
        'impersonating the system:masters group is not allowed',
      );
    }
    if (groups.length < MANY || !(await this.#isAllowed(this.#attributes('groups', '*')))) {
      await this.forEach(groups, 'groups');
    }
  }

  async forExtra(extra: UserInfo['extra']): Promise<void> {
    for (const [key, values] of Object.entries(extra)) {
      for (const value of values) {
        await this.#require('userextras', value, { apiGroup: AUTHENTICATION_GROUP, subresource: key });
      }
    }
  }

  async forCheckedExtra(extra: UserInfo['extra']): Promise<void> {
    const wrong = extraProblem(extra);
    if (wrong !== undefined) {
      throw forbiddenError(this.#attributes('userextras', ''), wrong);
    }
    const count = Object.values(extra).reduce((sum, values) => sum + values.length, 0);
    const all = this.#attributes('userextras', '*', { subresource: '*' });
    if (count < MANY || !(await this.#isAllowed(all))) {
      await this.forExtra(extra);
    }
  }

  #attributes(resource: string, name: string, more: Partial<Attributes> = {}): Attributes {
    const { sender, verb, group } = this.#asked;
    return {
      user: sender,
      verb,
      namespace: '',
      apiGroup: group,
      apiVersion: 'v1',
      resource,
      subresource: '',
      name,
      isResourceRequest: true,
      path: '',
      ...more,
    };
  }

  async #isAllowed(attributes: Attributes): Promise<boolean> {
    return (await decisionOn(this.#authorizer, attributes)).outcome === 'allow';
  }

  async #require(resource: string, name: string, more: Partial<Attributes> = {}): Promise<void> {
    await requireDecision(this.#authorizer, this.#attributes(resource, name, more));
  }
}

/** @throws {StatusError} 403 */
async function requireDecision(authorizer: Authorizer, attributes: Attributes): Promise<void> {
  const { outcome, reason, error = '' } = await decisionOn(authorizer, attributes);
  if (outcome !== 'allow') {
    throw forbiddenError(attributes, [error, reason].filter((part) => part !== '').join(': '));
  }
}

/** With the groups that nobody has to ask for. Given groups are the last word on service accounts'. */
function completed(wanted: UserInfo, fixed: readonly string[]): UserInfo {
  const groups = wanted.groups.length === 0 ? fixed : wanted.groups;
  const system =
    wanted.name === ANONYMOUS_NAME || groups.includes(ALL_UNAUTHENTICATED)
      ? ALL_UNAUTHENTICATED
      : ALL_AUTHENTICATED;
  return { ...wanted, groups: groups.includes(system) ? groups : [...groups, system] };
}

function fixedGroups(name: string): readonly string[] {
  const account = parseServiceAccountUserName(name);
  if (account !== undefined) {
    return serviceAccountGroups(account.namespace);
  }
  return nodeNameIn(name) === undefined ? [] : [NODES_GROUP];
}

function isNameOnly({ uid = '', groups, extra }: UserInfo): boolean {
  return uid === '' && groups.length === 0 && Object.keys(extra).length === 0;
}

function nodeNameIn(userName: string): string | undefined {
  const name = userName.startsWith(NODE_USER_PREFIX) ? userName.slice(NODE_USER_PREFIX.length) : '';
  return name !== '' && dnsSubdomainProblems(name).length === 0 ? name : undefined;
}

/** A service account whose token is bound to the node. */
function isNodeOf(sender: UserInfo, userName: string): boolean {
  const node = nodeNameIn(userName);
  const bound = sender.extra[EXTRA_KEY.nodeName] ?? [];
  return (
    node !== undefined &&
    parseServiceAccountUserName(sender.name) !== undefined &&
    bound.length === 1 &&
    bound[0] === node
  );
}

function withNodeKeysOnly(attributes: Attributes): Attributes {
  const { user } = attributes;
  return { ...attributes, user: { ...user, extra: { [NODE_KEYS]: Object.keys(user.extra).toSorted() } } };
}

function extraProblem(extra: UserInfo['extra']): string | undefined {
  for (const [key, values] of Object.entries(extra)) {
    if (key === '') {
      return 'impersonating the empty string key in extra is not allowed';
    }
    const problems = new Problems();
    checkDomainPath(problems, 'extra.key', key);
    const texts = problems.found.map(fieldErrorText);
    if (texts.length > 0) {
      const all = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
      return `impersonating an invalid key in extra is not allowed: ${all}`;
    }
    if (key !== key.toLowerCase()) {
      return `impersonating a non-lowercase key in extra is not allowed: ${JSON.stringify(key)}`;
    }
    if (values.length === 0) {
      return 'impersonating empty values in extra is not allowed';
    }
    if (values.includes('')) {
      return 'impersonating the empty string value in extra is not allowed';
    }
  }
  return undefined;
}
