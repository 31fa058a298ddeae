import { NODE_SCORE_MAX } from './plugin.ts';

/** Scales scores so that the largest becomes the maximum; reversed, so that the largest becomes 0. */
export function normaliseByMax(scores: Float64Array, count: number, isReversed: boolean): void {
  let max = 0;
  for (let i = 0; i < count; i++) {
    max = Math.max(max, scores[i] ?? 0);
  }
  if (max === 0) {
    if (isReversed) {
      scores.fill(NODE_SCORE_MAX, 0, count);
    }
    return;
  }
  for (let i = 0; i < count; i++) {
    const scaled = Math.trunc((NODE_SCORE_MAX * (scores[i] ?? 0)) / max);
    scores[i] = isReversed ? NODE_SCORE_MAX - scaled : scaled;
  }
}
