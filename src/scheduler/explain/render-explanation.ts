import type { Attempt, RejectedNodes } from './decision-log.ts';
import type { Outlook, PodExplanation } from './explain-pod.ts';

/** The explanation in plain words, one thought a line, for a terminal. */
export function renderExplanation(explanation: PodExplanation): string {
  const lines = [headline(explanation)];
  const { outlook, gate, nominatedNodeName, attempts } = explanation;
  if (gate !== undefined) {
    lines.push(`  ${gate}`);
  }
  if (nominatedNodeName !== undefined) {
    lines.push(`  Room is being made for it on ${nominatedNodeName}.`);
  }
  if (outlook !== undefined) {
    lines.push(...outlookLines(outlook));
  }
  if (attempts.length > 0) {
    lines.push('', 'Attempts, the latest last:', ...attempts.map(attemptLine));
  }
  return `${lines.join('\n')}\n`;
}

function headline({ podKey, state, nodeName, schedulerName }: PodExplanation): string {
  switch (state) {
    case 'bound':
      return `Pod ${podKey} is on node ${nodeName ?? ''}.`;
    case 'waiting':
      return `Pod ${podKey} waits for a node.`;
    case 'gated':
      return `Pod ${podKey} is held back by its scheduling gates.`;
    case 'other-scheduler':
      return `Pod ${podKey} is left to the scheduler ${schedulerName}, which is not this one.`;
    case 'finished':
      return `Pod ${podKey} has finished.`;
    case 'in-progress':
      return `Pod ${podKey} has a node and is being bound to it.`;
    default:
      return state satisfies never;
  }
}

function outlookLines({ nodeCount, rejected, feasible, advice }: Outlook): readonly string[] {
  if (feasible.length > 0) {
    const [best] = feasible;
    return [
      `  ${feasible.length} of ${nodeCount} nodes could take it now; it will be tried again soon. Best: ${best?.nodeName ?? ''}.`,
    ];
  }
  const lines = [`  None of ${nodeCount} nodes can take it now:`, ...rejected.map(rejectedLine)];
  if (advice.length > 0) {
    lines.push('', 'What would help:', ...advice.map(({ text }) => `  - ${text}`));
  }
  return lines;
}

function rejectedLine({ plugin, reasons, count, examples }: RejectedNodes): string {
  const named = examples.slice(0, 3).join(', ');
  const more = count > 3 && named !== '' ? ', …' : '';
  return `  - ${count}: ${reasons.join(', ')} (${plugin}${named === '' ? '' : `; ${named}${more}`})`;
}

function attemptLine(attempt: Attempt): string {
  const when = new Date(attempt.atMs).toISOString();
  switch (attempt.outcome) {
    case 'scheduled': {
      const scores = attempt.scores
        .filter(({ score }) => score > 0)
        .map(({ plugin, score }) => `${plugin} ${score}`)
        .join(', ');
      return `  ${when}  ${attempt.nodeName} chosen from ${attempt.feasibleCount} of ${attempt.nodeCount} nodes${scores === '' ? '' : ` (${scores})`}`;
    }
    case 'unschedulable': {
      const { nomination, message } = attempt;
      return nomination === undefined
        ? `  ${when}  ${message}`
        : `  ${when}  ${message} Removing ${nomination.victims.join(', ')} from ${nomination.nodeName}.`;
    }
    case 'error':
      return `  ${when}  error: ${attempt.message}`;
    default:
      return attempt satisfies never;
  }
}
