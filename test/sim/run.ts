// Random walks over a whole cluster: `npm run sim -- --seed=7 --steps=500 --rounds=20`. Prints the seed of each,
// and of one that fails everything that was wrong and how to run it again.
import { parseArgs } from 'node:util';
import { SystemClock } from '#base/clock.ts';
import { SystemRandom } from '#base/random.ts';
import { walk } from './walk.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    steps: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '10' },
    verbose: { type: 'boolean', default: false },
  },
});
const first = values.seed === undefined ? new SystemRandom().int(1_000_000) : Number(values.seed);
const steps = Number(values.steps);
const rounds = values.seed === undefined ? Number(values.rounds) : 1;
const clock = new SystemClock();
for (let seed = first; seed < first + rounds; seed++) {
  const sinceMs = clock.monotonicMs();
  const { problems, transcript, timeline } = await walk({
    seed,
    steps,
    ...(values.verbose ? { onStep: (text: string) => void process.stdout.write(`${text}\n`) } : {}),
  });
  const seconds = ((clock.monotonicMs() - sinceMs) / 1_000).toFixed(1);
  process.stdout.write(`seed ${seed}: ${steps} steps, ${transcript.length} revisions, ${seconds} s\n`);
  if (problems.length > 0) {
    if (values.verbose) {
      process.stdout.write(`${timeline.join('\n')}\n`);
    }
    process.stdout.write(
      `${problems.join('\n')}\n\nagain: npm run sim -- --seed=${seed} --steps=${steps} --verbose\n`,
    );
    process.exitCode = 1;
  }
}
