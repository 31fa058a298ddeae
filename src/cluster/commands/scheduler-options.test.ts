import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { UsageError } from './command-line.ts';
import { chooseScheduler } from './scheduler-options.ts';

function fileOf(t: { after(end: () => void): void }, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'coracle-scheduler-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'scheduler.yaml');
  writeFileSync(path, text);
  return path;
}

test('--scheduler-config: profiles of a file are taken over', (t) => {
  const path = fileOf(
    t,
    `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: packing
  pluginConfig:
  - name: NodeResourcesFit
    args:
      scoringStrategy: { type: MostAllocated }
`,
  );
  const profile = chooseScheduler({ 'scheduler-config': path })?.profiles?.[0];
  assert.deepEqual([profile?.schedulerName, profile?.scoringStrategy?.type], ['packing', 'MostAllocated']);
  assert.equal(chooseScheduler({}), undefined);
});

test('--scheduler-config: what is wrong with a file is said in one sentence', (t) => {
  const wrong: readonly (readonly [path: string, message: RegExp])[] = [
    ['/nowhere/scheduler.yaml', /cannot be read/],
    [fileOf(t, 'kind: Pod'), /apiVersion, kind: must be kubescheduler\.config\.k8s\.io\/v1/],
    [fileOf(t, '{'), /^--scheduler-config /],
  ];
  for (const [path, message] of wrong) {
    assert.throws(() => chooseScheduler({ 'scheduler-config': path }), { name: UsageError.name, message });
  }
});
