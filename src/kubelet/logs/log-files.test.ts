import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { text } from 'node:stream/consumers';
import { SILENT_LOGGER } from '#base/log.ts';
import { SeededRandom } from '#base/random.ts';
import { VirtualClock } from '#base/virtual-clock.ts';
import { FakeRuntime } from '#runtime/fake-runtime.ts';
import type { LogOptions } from '../node-streams.ts';
import { parseCriLine } from './cri-line.ts';
import { readLog } from './log-reader.ts';
import { LogRotation } from './log-rotation.ts';

async function directoryFor(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'coracle-logs-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

test('CRI line: time, stream, tag and text', () => {
  const parse = (line: string): string | undefined => {
    const parsed = parseCriLine(Buffer.from(line));
    return (
      parsed && `${parsed.time}|${parsed.stream}|${parsed.isPartial ? 'P' : 'F'}|${parsed.text.toString()}`
    );
  };
  assert.equal(
    parse('2026-01-01T00:00:00.5Z stdout F hello world\n'),
    '2026-01-01T00:00:00.5Z|stdout|F|hello world',
  );
  assert.equal(parse('t stderr P \n'), 't|stderr|P|');
  assert.equal(parse('t stdout F\n'), 't|stdout|F|');
  assert.equal(parse('t nowhere F x\n'), undefined);
  assert.equal(parse('garbage\n'), undefined);
});

const LINES = [
  '2026-01-01T00:00:00.000000000Z stdout F one',
  '2026-01-01T00:00:10.000000000+00:00 stdout P tw',
  '2026-01-01T00:00:10.000000001+00:00 stdout F o',
  '2026-01-01T00:00:20.000000000Z stderr F three',
  'not a log line',
  '2026-01-01T00:00:30.000000000Z stdout F four',
];

test('log reader: what was asked for is shown, and nothing else', async (t) => {
  const path = join(await directoryFor(t), '0.log');
  await writeFile(path, `${LINES.join('\n')}\n`);
  const clock = new VirtualClock();
  await clock.advance(35_000);
  const cases: readonly (readonly [LogOptions, string])[] = [
    [{}, 'one\ntwo\nthree\nfour\n'],
    [{ tailLines: 0 }, ''],
    [{ tailLines: 1 }, 'four\n'],
    [{ tailLines: 100 }, 'one\ntwo\nthree\nfour\n'],
    [{ sinceSeconds: 16 }, 'three\nfour\n'],
    [{ sinceTime: '2026-01-01T00:00:30Z' }, 'four\n'],
    [{ stream: 'Stderr' }, 'three\n'],
    [{ limitBytes: 6 }, 'one\ntw'],
    [
      { timestamps: true, sinceSeconds: 26 },
      '2026-01-01T00:00:10.000000000Z two\n2026-01-01T00:00:20.000000000Z three\n2026-01-01T00:00:30.000000000Z four\n',
    ],
  ];
  for (const [options, expected] of cases) {
    const shown = readLog({ path, clock, isAlive: async () => false }, options, new AbortController().signal);
    assert.equal(await text(shown), expected, JSON.stringify(options));
  }
});

test('log rotation: a full log is renamed and reopened, old ones are compressed and then deleted', async (t) => {
  const directory = await directoryFor(t);
  const clock = new VirtualClock();
  const runtime = new FakeRuntime({ clock, random: new SeededRandom(1) });
  runtime.images.add('local/x:1');
  const namespaceOptions = { network: 'pod', pid: 'container', ipc: 'pod' } as const;
  const sandbox = {
    metadata: { name: 'p', uid: 'u', namespace: 'd', attempt: 0 },
    hostname: 'p',
    logDirectory: directory,
    labels: {},
    annotations: {},
    linux: { cgroupParent: '/x', securityContext: { namespaceOptions } },
  };
  const sandboxId = await runtime.runPodSandbox(sandbox);
  const id = await runtime.createContainer(
    sandboxId,
    {
      metadata: { name: 'c', attempt: 0 },
      image: { image: 'local/x:1' },
      envs: [],
      mounts: [],
      labels: {},
      annotations: {},
      logPath: '0.log',
      linux: { resources: {}, securityContext: { namespaceOptions } },
    },
    sandbox,
  );
  await runtime.startContainer(id);
  const rotation = new LogRotation({ runtime, clock, log: SILENT_LOGGER }, { maxBytes: 10, maxFiles: 3 });
  for (const round of [1, 2, 3, 4]) {
    await writeFile(join(directory, '0.log'), `round ${round}, long enough\n`);
    await rotation.rotate();
    await clock.advance(1000);
  }
  assert.deepEqual((await readdir(directory)).toSorted(), [
    '0.log.20260101-000002.gz',
    '0.log.20260101-000003',
  ]);
  assert.equal(await readFile(join(directory, '0.log.20260101-000003'), 'utf8'), 'round 4, long enough\n');
});
