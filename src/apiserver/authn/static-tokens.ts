import type { TokenAuthenticator } from './bearer-token.ts';
import type { AuthnResult, UserInfo } from './user.ts';

/** Tokens that were given to the server when it started. */
export class StaticTokens implements TokenAuthenticator {
  readonly #users: ReadonlyMap<string, UserInfo>;

  constructor(users: ReadonlyMap<string, UserInfo>) {
    this.#users = users;
  }

  authenticateToken(token: string): AuthnResult | undefined {
    const user = this.#users.get(token);
    return user && { user };
  }
}

/**
 * Reads a `--token-auth-file`: lines of `token,user,uid,"group1,group2"`, the groups optional.
 *
 * @throws {Error} when a line has too few columns
 */
export function parseTokenFile(text: string): ReadonlyMap<string, UserInfo> {
  const users = new Map<string, UserInfo>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) {
      continue;
    }
    const [token = '', name = '', uid, groups] = columnsOf(line);
    if (uid === undefined || token === '' || name === '') {
      throw new Error(`token file line ${index + 1}: expected token, user name and uid`);
    }
    const groupList = (groups ?? '').split(',').map((group) => group.trim());
    users.set(token, { name, uid, groups: groupList.filter((group) => group !== ''), extra: {} });
  }
  return users;
}

/** Comma-separated values; a value in double quotes may hold commas, and quotes written twice. */
function columnsOf(line: string): readonly string[] {
  return [...line.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain ?? '').trim() : quoted.replaceAll('""', '"'),
  );
}
