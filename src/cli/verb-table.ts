import type { Command } from './command.ts';

interface Verb {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly about: string;
  readonly load: () => Promise<Command>;
}

/** Every verb with what loads it: a command line pays for the one it uses. */
export const VERBS: readonly Verb[] = [
  {
    name: 'get',
    about: 'Display one or many resources',
    load: async () => (await import('./verbs/get.ts')).GET,
  },
];

export async function loadVerb(name: string): Promise<Command | undefined> {
  return VERBS.find((verb) => verb.name === name || verb.aliases?.includes(name) === true)?.load();
}
