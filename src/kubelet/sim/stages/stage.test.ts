import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '#base/random.ts';
import { StageError } from './stage-error.ts';
import { parseStagePath } from './stage-path.ts';
import { parseStageTemplate } from './stage-template.ts';
import { parseStage, type Stage } from './stage.ts';

const POD = {
  metadata: {
    labels: { app: 'web' },
    annotations: { 'a.b/c': '90s', at: '2026-01-01T00:01:00Z' },
    ownerReferences: [{ kind: 'Job' }],
  },
  spec: { nodeName: 'sim-0', containers: [{ name: 'x' }, { name: 'y' }] },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }, { type: 'Other' }] },
};
const NOW_MS = Date.UTC(2026, 0, 1);

function aStage(spec: object): Stage {
  return parseStage({
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    kind: 'Stage',
    metadata: { name: 'one' },
    spec: { resourceRef: { apiGroup: 'v1', kind: 'Pod' }, ...spec },
  });
}

test('stage path: reads what the part of jq that Stages use reads', () => {
  const table: Readonly<Record<string, readonly unknown[]>> = {
    '.status.phase': ['Running'],
    '.metadata.deletionTimestamp': [],
    '.metadata.annotations["a.b/c"]': ['90s'],
    '.metadata.labels.app?': ['web'],
    '.spec.containers.[].name': ['x', 'y'],
    '.spec.containers[1].name': ['y'],
    '.status.conditions.[] | select( .type == "Ready" ) | .status': ['True'],
    '.metadata.ownerReferences.[].kind': ['Job'],
  };
  for (const [path, values] of Object.entries(table)) {
    assert.deepEqual(parseStagePath(path)(POD), values, path);
  }
  for (const path of ['.a | length', 'status', '.a + .b', '.a | map(.b)']) {
    assert.throws(() => parseStagePath(path), StageError, path);
  }
});

test('stage selector: labels, annotations and expressions all have to hold', () => {
  const table: readonly (readonly [object, boolean])[] = [
    [{}, true],
    [{ matchLabels: { app: 'web' } }, true],
    [{ matchLabels: { app: 'db' } }, false],
    [{ matchAnnotations: { 'a.b/c': '90s' } }, true],
    [{ matchExpressions: [{ key: '.status.phase', operator: 'In', values: ['Pending', 'Running'] }] }, true],
    [{ matchExpressions: [{ key: '.status.phase', operator: 'NotIn', values: ['Running'] }] }, false],
    [{ matchExpressions: [{ key: '.status.podIP', operator: 'NotIn', values: ['x'] }] }, true],
    [{ matchExpressions: [{ key: '.status.podIP', operator: 'DoesNotExist' }] }, true],
    [{ matchExpressions: [{ key: '.status.podIP', operator: 'Exists' }] }, false],
    [{ matchLabels: { app: 'web' }, matchExpressions: [{ key: '.x', operator: 'Exists' }] }, false],
  ];
  for (const [selector, matches] of table) {
    assert.equal(aStage({ selector }).matches(POD), matches, JSON.stringify(selector));
  }
});

test('stage delay: fixed, from the object, until a time, and with jitter between the two', () => {
  const delay = (spec: object): number =>
    aStage({ delay: spec }).delayMs(POD, { random: new SeededRandom(1), nowMs: NOW_MS });
  const annotation = (name: string): object => ({ expressionFrom: `.metadata.annotations["${name}"]` });
  assert.equal(delay({}), 0);
  assert.equal(delay({ durationMilliseconds: 500 }), 500);
  assert.equal(delay({ durationMilliseconds: 500, durationFrom: annotation('a.b/c') }), 90_000);
  assert.equal(delay({ durationFrom: annotation('at') }), 60_000);
  assert.equal(delay({ durationMilliseconds: 500, durationFrom: annotation('none') }), 500);
  assert.equal(delay({ durationMilliseconds: 500, jitterDurationMilliseconds: 100 }), 100);
  const jittered = delay({ durationMilliseconds: 500, jitterDurationMilliseconds: 1000 });
  assert.ok(jittered >= 500 && jittered < 1000);
});

test('stage template: actions in YAML and in values', () => {
  const context = { object: POD, nowMs: NOW_MS, nodeIp: '10.0.0.1', podIp: () => '10.1.0.1' };
  const yaml = `
phase: Failed
hostIP: {{ NodeIP | Quote }}
podIP: {{ PodIP }}
conditions:
- lastTransitionTime: {{ Now | Quote }}
  message: {{ Quote .metadata.labels.app }}
`;
  const wanted = {
    phase: 'Failed',
    hostIP: '10.0.0.1',
    podIP: '10.1.0.1',
    conditions: [{ lastTransitionTime: '2026-01-01T00:00:00Z', message: 'web' }],
  };
  assert.deepEqual(parseStageTemplate(yaml)(context), wanted);
  const value = { at: '{{ Now }}', text: 'on {{ .spec.nodeName }}', count: 3, list: [true] };
  assert.deepEqual(parseStageTemplate(value)(context), {
    at: '2026-01-01T00:00:00Z',
    text: 'on sim-0',
    count: 3,
    list: [true],
  });
});

test('stage: what is not supported is refused, with the name of the stage', () => {
  const table: readonly (readonly [object, RegExp])[] = [
    [{ resourceRef: { kind: 'Lease' } }, /Stage one: spec\.resourceRef\.kind is not supported/],
    [{ selector: { matchConditions: [] } }, /spec\.selector\.matchConditions is not supported/],
    [
      { next: { statusTemplate: '{{ range .spec.containers }}{{ end }}' } },
      /"\{\{ range .* is not supported/,
    ],
    [{ next: { statusTemplate: '{{ $now := Now }}' } }, /is not supported/],
    [{ next: { patches: [{ type: 'json', template: [] }] } }, /patches of type json are not supported/],
    [{ delay: { seconds: 5 } }, /spec\.delay\.seconds is not supported/],
    [{ impersonation: {} }, /spec\.impersonation is not supported/],
    [{ selector: { matchExpressions: [{ key: '.a', operator: 'Gt' }] } }, /operator Gt is none of/],
  ];
  for (const [spec, message] of table) {
    assert.throws(() => aStage(spec), { name: 'StageError', message });
  }
});
