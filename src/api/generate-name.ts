import type { Random } from '#base/random.ts';

/** No vowels, and no digits or letters that look alike: a generated name spells no word. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX_LENGTH = 5;
/** A generated name fits in a DNS label. */
const BASE_MAX = 63 - SUFFIX_LENGTH;

/** The name of an object that was created with `generateName`. */
export function generateName(base: string, random: Random): string {
  return `${base.slice(0, BASE_MAX)}${randomSuffix(random)}`;
}

/** Letters and digits that are safe in any name. */
export function randomSuffix(random: Random, length = SUFFIX_LENGTH): string {
  return Array.from({ length }, () => ALPHABET[random.int(ALPHABET.length)]).join('');
}
