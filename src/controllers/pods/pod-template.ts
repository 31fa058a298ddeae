import { isDeepStrictEqual } from 'node:util';
import type { LabelSelector } from '#api/types/meta.v1.ts';
import type { PodTemplateSpec } from '#api/types/core.v1.ts';

/** The label that tells the pods of one revision from those of another. */
export const POD_TEMPLATE_HASH = 'pod-template-hash';

/** No vowels and no look-alikes, so that a hash spells nothing. */
const SAFE_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * A short name for the content of a template: the same content gives the same hash, whatever the order of its
 * keys. `collisionCount` gives another one when two contents happen to share it.
 */
export function podTemplateHash(template: unknown, collisionCount = 0): string {
  const text = `${canonicalText(template)}${collisionCount === 0 ? '' : `#${collisionCount}`}`;
  return Array.from(String(fnv32a(text)))
    .map((digit) => SAFE_ALPHABET[digit.charCodeAt(0) % SAFE_ALPHABET.length])
    .join('');
}

/** True when the templates differ in nothing but the hash label. */
export function isSameTemplate(left: PodTemplateSpec, right: PodTemplateSpec): boolean {
  return isDeepStrictEqual(withoutHash(left), withoutHash(right));
}

export function templateWithHash(template: PodTemplateSpec, hash: string): PodTemplateSpec {
  const labels = { ...template.metadata.labels, [POD_TEMPLATE_HASH]: hash };
  return { ...template, metadata: { ...template.metadata, labels } };
}

export function selectorWithHash(selector: LabelSelector | undefined, hash: string): LabelSelector {
  return { ...selector, matchLabels: { ...selector?.matchLabels, [POD_TEMPLATE_HASH]: hash } };
}

function withoutHash(template: PodTemplateSpec): PodTemplateSpec {
  const { [POD_TEMPLATE_HASH]: _, ...labels } = template.metadata.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

function canonicalText(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(canonicalText).join(',')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalText(member)}`);
    return `{${members.join(',')}}`;
  }
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}

function fnv32a(text: string): number {
  let hash = FNV_OFFSET;
  for (const byte of Buffer.from(text)) {
    hash = Math.imul(hash ^ byte, FNV_PRIME) >>> 0;
  }
  return hash;
}
