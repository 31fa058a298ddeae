// End-to-end measurements, each against a server in a process of its own. `npm run bench -- --help` lists the options.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { apiCollections } from './api-collections.ts';
import { apiRequests } from './api-requests.ts';
import { FULL_SIZE, SMALL_SIZE, type Workload } from './bench.ts';
import { containers } from './containers.ts';
import { idle } from './idle.ts';
import { manyNodes } from './many-nodes.ts';
import { memory } from './memory.ts';
import { namespaceDeletion } from './namespace-deletion.ts';
import { node } from './node.ts';
import { replicas } from './replicas.ts';
import { schedulerPerf } from './scheduler-perf.ts';
import { scheduling } from './scheduling.ts';
import { services } from './services.ts';
import { measureEtcd, type EtcdAnchor } from './etcd.ts';
import { drops, type Recorded } from './baseline.ts';
import { formatValue, median, share, worst, type Row } from './row.ts';

const WORKLOADS: readonly Workload[] = [
  apiRequests,
  apiCollections,
  memory,
  scheduling,
  node,
  containers,
  services,
];
/** Take minutes, so only when they are named. */
const RARE_WORKLOADS: readonly Workload[] = [schedulerPerf, replicas, namespaceDeletion, idle, manyNodes];

/** Far enough above a target; a cluster that used no processor time at all is beyond all measure. */
const SHARE_MAX = 99.99;

const HELP = `Usage: npm run bench -- [options]

  --only NAMES       comma-separated: ${[...WORKLOADS, ...RARE_WORKLOADS].map(({ name }) => name).join(', ')}
  --small            a size that only shows that everything runs
  --rounds N         rounds of a row (default ${FULL_SIZE.rounds})
  --no-etcd          do not measure etcd
  --json             only the JSON lines
  --save FILE        write the JSON lines to FILE as a baseline
  --compare FILE     fail when a row is more than 10 % worse than in FILE
`;

const { values: options } = parseArgs({
  allowNegative: true,
  options: {
    only: { type: 'string' },
    small: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    etcd: { type: 'boolean', default: true },
    json: { type: 'boolean', default: false },
    save: { type: 'string' },
    compare: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const base = options.small ? SMALL_SIZE : FULL_SIZE;
const size = { ...base, rounds: Number(options.rounds ?? base.rounds) };
const context = {
  size,
  note: (text: string): void => {
    process.stderr.write(`  measured: ${text}\n`);
  },
};
const wanted = options.only?.split(',');
const rows: Row[] = [];
const etcd = options.etcd ? await measureEtcd(context) : undefined;
const chosen =
  wanted === undefined
    ? WORKLOADS
    : [...WORKLOADS, ...RARE_WORKLOADS].filter(({ name }) => wanted.includes(name));
for (const workload of chosen) {
  rows.push(...(await workload.run(context)));
}

const lines = rows.map((row): Recorded => ({
  name: row.name,
  unit: row.unit,
  median: median(row.values),
  worst: worst(row),
  rounds: row.values.length,
  ...(row.target === undefined ? {} : { target: row.target }),
  ...(etcd === undefined || row.anchor === undefined
    ? {}
    : { anchorRatio: median(row.values) / etcd[row.anchor] }),
}));
if (!options.json) {
  process.stdout.write(table(rows, etcd));
}
const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
process.stdout.write(text);
if (options.save !== undefined) {
  writeFileSync(options.save, text);
}
if (options.compare !== undefined) {
  const worse = drops(lines, readFileSync(options.compare, 'utf8'));
  worse.forEach((line) => process.stderr.write(`${line}\n`));
  process.exitCode = worse.length > 0 ? 1 : 0;
}

function table(measured: readonly Row[], anchor: EtcdAnchor | undefined): string {
  const head = [
    `${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}; Node ${process.versions.node}`,
    anchor === undefined
      ? 'etcd was not measured: not asked for, or not on this host (Debian: apt-get install etcd-server)'
      : `etcd ${anchor.version}, ${size.connections} connections, no TLS: ${formatValue(anchor.put, '/s')} puts, ${formatValue(anchor.get, '/s')} gets`,
    '',
    line(['', 'median', 'worst', 'target', 'of target', 'of etcd']),
  ];
  const body = measured.map((row) => {
    const { name, unit, values, target } = row;
    const ratio =
      anchor === undefined || row.anchor === undefined
        ? ''
        : `${((median(values) / anchor[row.anchor]) * 100).toFixed(0)} %`;
    return line([
      name,
      formatValue(median(values), unit),
      formatValue(worst(row), unit),
      target === undefined ? '' : formatValue(target, unit),
      target === undefined ? '' : `${(Math.min(share(row, target), SHARE_MAX) * 100).toFixed(0)} %`,
      ratio,
    ]);
  });
  return `${[...head, ...body].join('\n')}\n\n`;
}

function line([name = '', ...cells]: readonly string[]): string {
  return `${name.padEnd(44)}${cells.map((cell) => cell.padStart(14)).join('')}`.trimEnd();
}
