import type { Flag } from './flags.ts';

export const SELECTOR_FLAG: Flag = {
  name: 'selector',
  short: 'l',
  kind: 'text',
  about: 'Label selector to filter on: key1=value1,key2!=value2,key3 in (a,b).',
};

export const FIELD_SELECTOR_FLAG: Flag = {
  name: 'field-selector',
  kind: 'text',
  about: 'Field selector to filter on: key1=value1,key2!=value2.',
};

export const ALL_NAMESPACES_FLAG: Flag = {
  name: 'all-namespaces',
  short: 'A',
  kind: 'bool',
  about: 'Look in every namespace, whatever --namespace says.',
};

export const ALL_FLAG: Flag = {
  name: 'all',
  kind: 'bool',
  about: 'Every object of the type in the namespace.',
};

export const IGNORE_NOT_FOUND_FLAG: Flag = {
  name: 'ignore-not-found',
  kind: 'bool',
  about: 'An object that does not exist is no error.',
};

export const CHUNK_SIZE_FLAG: Flag = {
  name: 'chunk-size',
  kind: 'int',
  initial: '500',
  about: 'List large sets in chunks of so many; 0 lists all at once.',
};

export const DRY_RUN_FLAG: Flag = {
  name: 'dry-run',
  kind: 'text',
  alone: 'unchanged',
  initial: 'none',
  about: 'none, client (print what would be sent) or server (send it, and let the server keep nothing).',
};

export const FIELD_MANAGER_FLAG: Flag = {
  name: 'field-manager',
  kind: 'text',
  about: 'Name of the manager used to track who owns a field.',
};

export const VALIDATE_FLAG: Flag = {
  name: 'validate',
  kind: 'text',
  alone: 'strict',
  initial: 'strict',
  about: 'strict (or true), warn, or ignore (or false): what becomes of unknown and duplicate fields.',
};

export const PRUNE_ALLOWLIST_FLAG: Flag = {
  name: 'prune-allowlist',
  kind: 'array',
  about: 'Prune this kind, group/version/kind, in place of the usual ones; may be repeated.',
};
