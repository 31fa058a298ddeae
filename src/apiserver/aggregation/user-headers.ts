import type { UserInfo } from '../authn/user.ts';

/** Characters that the name of a header may hold (RFC 9110); the others, and `%`, are written in percent form. */
const TOKEN_CHARACTER = /[!#$&'*+\-.^_`|~0-9A-Za-z]/;

/** The headers in which a front proxy passes on who asks. */
export function userHeaders({ name, uid, groups, extra }: UserInfo): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'X-Remote-User': name };
  if (uid !== undefined && uid !== '') {
    headers['X-Remote-Uid'] = uid;
  }
  if (groups.length > 0) {
    headers['X-Remote-Group'] = [...groups];
  }
  for (const [key, values] of Object.entries(extra)) {
    headers[`X-Remote-Extra-${escapedKey(key)}`] = [...values];
  }
  return headers;
}

function escapedKey(key: string): string {
  return [...Buffer.from(key)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return TOKEN_CHARACTER.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}
