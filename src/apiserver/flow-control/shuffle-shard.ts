import { createHash } from 'node:crypto';
import { RecentMap } from '#base/recent-map.ts';

/** Hands kept, by flow; dealing one again costs a hash. */
const HANDS_MAX = 1024;

/**
 * Deals each flow a hand of queues: a few of many, chosen by its hash, so that two flows rarely share all of
 * theirs and one that floods its own leaves the others a way through.
 */
export class ShuffleShard {
  readonly deckSize: number;
  readonly handSize: number;
  readonly #hands = new RecentMap<string, readonly number[]>(HANDS_MAX);

  /** @param handSize at least 1 and at most `deckSize` */
  constructor(deckSize: number, handSize: number) {
    this.deckSize = deckSize;
    this.handSize = handSize;
  }

  /** Indexes of queues, each once. The same flow gets the same hand from every server. */
  handOf(schemaName: string, distinguisher: string): readonly number[] {
    const flow = `${schemaName}\0${distinguisher}`;
    let hand = this.#hands.get(flow);
    if (hand === undefined) {
      hand = dealHand(hashOf(flow), this.deckSize, this.handSize);
      this.#hands.set(flow, hand);
    }
    return hand;
  }
}

/** The first eight bytes of the flow's SHA-256, as upstream takes them. */
export function hashOf(flow: string): bigint {
  return createHash('sha256').update(flow).digest().readBigUInt64LE(0);
}

/** Draws cards without replacement, the hash being all the chance there is. */
export function dealHand(hash: bigint, deckSize: number, handSize: number): readonly number[] {
  const drawn: number[] = [];
  const hand: number[] = [];
  let rest = hash;
  for (let index = 0; index < handSize; index++) {
    const left = BigInt(deckSize - index);
    drawn.push(Number(rest % left));
    rest /= left;
  }
  for (const [index, draw] of drawn.entries()) {
    let card = draw;
    // Each earlier draw at or below this one moved the cards above it down by one.
    for (let earlier = index - 1; earlier >= 0; earlier--) {
      if (card >= (drawn[earlier] ?? 0)) {
        card++;
      }
    }
    hand.push(card);
  }
  return hand;
}

/** Hash bits that dealing uses up; more than 60 would deal the last cards unevenly. */
export function entropyBits(deckSize: number, handSize: number): number {
  return Math.ceil(Math.log2(deckSize) * handSize);
}
