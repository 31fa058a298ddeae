import { utf8Decode } from '../bytes.ts';
import {
  children,
  decodeOid,
  directoryString,
  encode,
  expectTag,
  oid,
  sequence,
  TAG,
  type DerNode,
} from './der.ts';

/** The parts of an X.500 name that identities are made of. */
export interface DistinguishedName {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** True when a name that was read has parts besides these two. */
  readonly hasOtherParts?: boolean;
}

const COMMON_NAME = '2.5.4.3';
const ORGANIZATION = '2.5.4.10';

export function encodeName({ commonName, organizations }: DistinguishedName): Uint8Array {
  const sets: Uint8Array[] = [];
  if (organizations.length > 0) {
    // A set's members are ordered by their encoding; readers that hash the name depend on it.
    const members = organizations.map((value) => attribute(ORGANIZATION, value)).toSorted(Buffer.compare);
    sets.push(encode(TAG.set, ...members));
  }
  if (commonName !== '') {
    sets.push(encode(TAG.set, attribute(COMMON_NAME, commonName)));
  }
  return sequence(...sets);
}

function attribute(type: string, value: string): Uint8Array {
  return sequence(oid(type), directoryString(value));
}

/** @throws {DerError} when the node is not a name */
export function decodeName(node: DerNode): DistinguishedName {
  let commonName = '';
  let hasOtherParts = false;
  const organizations: string[] = [];
  for (const set of children(expectTag(node, TAG.sequence))) {
    for (const member of children(expectTag(set, TAG.set))) {
      const [type, value] = children(member);
      const text = value === undefined ? '' : utf8Decode(value.content);
      switch (type === undefined ? '' : decodeOid(type)) {
        case COMMON_NAME:
          commonName = text;
          break;
        case ORGANIZATION:
          organizations.push(text);
          break;
        default:
          hasOtherParts = true;
      }
    }
  }
  return { commonName, organizations, ...(hasOtherParts ? { hasOtherParts } : {}) };
}
