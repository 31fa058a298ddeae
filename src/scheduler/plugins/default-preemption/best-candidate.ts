import { podPriority } from '../../state/pod-requests.ts';
import { startTimeMs, type Candidate } from './victims.ts';

/** Makes every priority count as more than zero, so that more pods always sum to more. */
const PRIORITY_OFFSET = 2 ** 31;

/** Smaller is better; later rules decide only what earlier ones leave open. */
const RULES: readonly ((candidate: Candidate) => number)[] = [
  ({ violatedBudgets }) => violatedBudgets,
  highestPriority,
  ({ victims }) => victims.reduce((sum, victim) => sum + podPriority(victim) + PRIORITY_OFFSET, 0),
  ({ victims }) => victims.length,
  // The later the longest-running of the most important victims started, the less is lost.
  (candidate) => -earliestStartMs(candidate),
];

/** The node on which making room does the least harm. */
export function bestCandidate(candidates: readonly Candidate[]): Candidate | undefined {
  let best = candidates;
  for (const rule of RULES) {
    const least = Math.min(...best.map(rule));
    best = best.filter((candidate) => rule(candidate) === least);
  }
  return best[0];
}

function highestPriority({ victims }: Candidate): number {
  return Math.max(...victims.map(podPriority));
}

function earliestStartMs(candidate: Candidate): number {
  const highest = highestPriority(candidate);
  return Math.min(...candidate.victims.filter((victim) => podPriority(victim) === highest).map(startTimeMs));
}
