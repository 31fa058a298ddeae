import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { structOfKind } from '#api/schema/schema.ts';
import { StatusError } from '#api/status-error.ts';
import { defined } from '#base/assert.ts';
import { deepFreeze } from '../canonical.ts';
import { normalizeObject } from '../typed-decode.ts';
import {
  type FieldsNode,
  difference,
  intersection,
  isEmptySet,
  memberPaths,
  sameFields,
  union,
} from './fields-v1.ts';
import { type Tracked, updateManagedFields } from './managed-fields.ts';
import { applyPatch } from './server-side-apply.ts';

const DEPLOYMENT = defined(structOfKind('apps', 'v1', 'Deployment'), 'Deployment');
const SERVICE = defined(structOfKind('', 'v1', 'Service'), 'Service');
const T1 = '2026-01-01T00:00:01Z';
const T2 = '2026-01-01T00:00:02Z';

interface TrackedDeployment extends Tracked {
  readonly spec: {
    readonly replicas?: number;
    readonly template: {
      readonly spec: { readonly containers: readonly { readonly name: string; readonly image?: string }[] };
    };
  };
}

const config = (changes: { replicas?: number; labels?: object; containers?: readonly object[] }) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', ...(changes.labels === undefined ? {} : { labels: changes.labels }) },
  spec: {
    ...(changes.replicas === undefined ? {} : { replicas: changes.replicas }),
    template: { spec: { containers: changes.containers ?? [{ name: 'c', image: 'i:1' }] } },
  },
});

const normal = (value: unknown) =>
  deepFreeze(normalizeObject(value, DEPLOYMENT)) as unknown as TrackedDeployment;

function update(
  live: Tracked | undefined,
  next: unknown,
  { manager = 'editor', time = T1, subresource = '' } = {},
) {
  const options = { live, struct: DEPLOYMENT, manager, apiVersion: 'apps/v1', subresource, time };
  return deepFreeze(updateManagedFields({ ...options, next: normal(next) }));
}

function apply(
  live: Tracked | undefined,
  patch: object,
  { manager = 'applier', force = false, time = T1 } = {},
) {
  const options = {
    live,
    patch,
    struct: DEPLOYMENT,
    manager,
    apiVersion: 'apps/v1',
    subresource: '',
    force,
    time,
  };
  return deepFreeze(normalizeObject(applyPatch(options), DEPLOYMENT)) as unknown as TrackedDeployment;
}

const owned = (object: Tracked) =>
  Object.fromEntries(
    (object.metadata.managedFields ?? []).map((entry) => [
      `${entry.manager} ${entry.operation} ${entry.time}`,
      memberPaths(entry.fieldsV1 as FieldsNode),
    ]),
  );

test('updateManagedFields: a create owns what it says, in upstream form', () => {
  const created = update(undefined, config({ replicas: 1, labels: { app: 'web' } }));
  assert.deepEqual(created.metadata.managedFields, [
    {
      manager: 'editor',
      operation: 'Update',
      apiVersion: 'apps/v1',
      time: T1,
      fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
        'f:spec': {
          'f:replicas': {},
          'f:template': {
            'f:spec': {
              'f:containers': {
                'k:{"name":"c"}': { '.': {}, 'f:image': {}, 'f:name': {}, 'f:resources': {} },
              },
            },
          },
        },
      },
    },
  ]);
});

test('updateManagedFields: a field goes to who changed it last, and a removed one to nobody', () => {
  const created = update(undefined, config({ replicas: 1, labels: { a: '1', b: '1' } }));
  const edited = update(created, config({ replicas: 2, labels: { a: '1' } }), { manager: 'other', time: T2 });
  assert.deepEqual(owned(edited)['other Update 2026-01-01T00:00:02Z'], ['.spec.replicas']);
  const left = owned(edited)['editor Update 2026-01-01T00:00:01Z'] ?? [];
  assert.equal(left.includes('.spec.replicas') || left.includes('.metadata.labels.b'), false);
  assert.equal(left.includes('.metadata.labels.a'), true);
});

test('updateManagedFields: a write that changes no ownership keeps the entries and their time', () => {
  const created = update(undefined, config({ replicas: 1 }));
  const again = update(created, { ...config({ replicas: 5 }) }, { time: T2 });
  assert.deepEqual(again.metadata.managedFields, created.metadata.managedFields);
  const same = update(created, config({ replicas: 1 }), { manager: 'other', time: T2 });
  assert.deepEqual(same.metadata.managedFields, created.metadata.managedFields);
});

test('updateManagedFields: the status subresource has an entry of its own', () => {
  const created = update(undefined, config({ replicas: 1 }));
  const next = { ...created, status: { replicas: 1 } };
  const written = update(created, next, { manager: 'editor', subresource: 'status', time: T2 });
  assert.deepEqual(
    written.metadata.managedFields?.map(({ manager, subresource }) => [manager, subresource]),
    [
      ['editor', undefined],
      ['editor', 'status'],
    ],
  );
});

test('updateManagedFields: one blank entry stops the tracking', () => {
  const created = update(undefined, config({ replicas: 1 }));
  const next = { ...config({ replicas: 2 }), metadata: { name: 'web', managedFields: [{}] } };
  assert.equal(update(created, next).metadata.managedFields, undefined);
});

test('updateManagedFields: the oldest of many writers are folded together', () => {
  let object = update(undefined, config({ replicas: 0 }));
  for (let index = 1; index <= 12; index += 1) {
    const labels = Object.fromEntries(Array.from({ length: index }, (_, label) => [`l${label}`, '1']));
    object = update(object, config({ replicas: 0, labels }), { manager: `m${index}` });
  }
  assert.equal(object.metadata.managedFields?.length, 10);
  assert.ok(object.metadata.managedFields.some(({ manager }) => manager === 'ancient-changes'));
});

test('applyPatch: creates, then removes what is no longer applied', () => {
  const created = apply(undefined, config({ replicas: 1, labels: { a: '1', b: '1' } }));
  assert.deepEqual(owned(created)['applier Apply 2026-01-01T00:00:01Z'], [
    '.metadata.labels.a',
    '.metadata.labels.b',
    '.spec.replicas',
    '.spec.template.spec.containers[name="c"]',
    '.spec.template.spec.containers[name="c"].image',
    '.spec.template.spec.containers[name="c"].name',
  ]);
  const containers = [{ name: 'd', image: 'i:2' }];
  const next = apply(created, config({ labels: { a: '1' }, containers }), { time: T2 });
  assert.deepEqual((next.metadata as { labels?: object }).labels, { a: '1' });
  assert.equal(next.spec.replicas, undefined);
  assert.deepEqual(
    next.spec.template.spec.containers.map(({ name }) => name),
    ['d'],
  );
});

test('applyPatch: another manager in the way is a conflict, in upstream words, unless forced', () => {
  const created = apply(undefined, config({ replicas: 1 }));
  const scaled = update(
    created,
    { ...created, spec: { ...created.spec, replicas: 3 } },
    { manager: 'kubectl-edit' },
  );
  assert.throws(
    () => apply(scaled, config({ replicas: 1 })),
    (error) => {
      assert.ok(error instanceof StatusError);
      assert.equal(error.code, 409);
      assert.equal(
        error.message,
        'Apply failed with 1 conflict: conflict with "kubectl-edit" using apps/v1: .spec.replicas',
      );
      assert.deepEqual(error.details?.causes, [
        {
          reason: 'FieldManagerConflict',
          message: 'conflict with "kubectl-edit" using apps/v1',
          field: '.spec.replicas',
        },
      ]);
      return true;
    },
  );
  const forced = apply(scaled, config({ replicas: 1 }), { force: true, time: T2 });
  assert.equal(forced.spec.replicas, 1);
  assert.equal(owned(forced)['kubectl-edit Update 2026-01-01T00:00:01Z'], undefined);
});

test('applyPatch: several conflicts are listed by manager', () => {
  const first = apply(undefined, config({ replicas: 1, labels: { a: '1' } }), { manager: 'one' });
  assert.throws(() => apply(first, config({ replicas: 2, labels: { a: '2' } }), { manager: 'two' }), {
    message: 'Apply failed with 2 conflicts: conflicts with "one":\n- .metadata.labels.a\n- .spec.replicas',
  });
});

test('applyPatch: two managers that agree share a field, and it stays while one applies it', () => {
  const one = apply(undefined, config({ replicas: 1 }), { manager: 'one' });
  const two = apply(one, config({ replicas: 1 }), { manager: 'two' });
  const left = apply(two, config({}), { manager: 'one' });
  assert.equal(left.spec.replicas, 1);
  assert.equal(apply(left, config({}), { manager: 'two' }).spec.replicas, undefined);
});

test('applyPatch: the same configuration again changes nothing at all', () => {
  const created = apply(undefined, config({ replicas: 1, labels: { a: '1' } }));
  assert.deepEqual(apply(created, config({ replicas: 1, labels: { a: '1' } }), { time: T2 }), created);
});

test('applyPatch: kubectl takes over from client-side apply without a conflict', () => {
  const annotations = {
    'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(config({ replicas: 1 })),
  };
  const base = config({ replicas: 1 });
  const live = update(
    undefined,
    { ...base, metadata: { ...base.metadata, annotations } },
    { manager: 'kubectl-client-side-apply' },
  );
  assert.throws(() => apply(live, config({ replicas: 2 }), { manager: 'someone' }), { code: 409 });
  assert.equal(apply(live, config({ replicas: 2 }), { manager: 'kubectl' }).spec.replicas, 2);
});

test('applyPatch: a field that no table has is refused, in upstream words', () => {
  const patch = { ...config({}), spec: { ...config({}).spec, replica: 1 } };
  assert.throws(() => apply(undefined, patch), {
    code: 500,
    message:
      'failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema',
  });
});

test('applyPatch: another way to write the same amount is no conflict', () => {
  const limits = (memory: string) =>
    config({ containers: [{ name: 'c', resources: { limits: { memory } } }] });
  const live = apply(undefined, limits('1Gi'), { manager: 'one' });
  const both = apply(live, limits('1024Mi'), { manager: 'two' });
  assert.equal(both.metadata.managedFields?.length, 2);
});

test('applyPatch: the status is neither written nor owned through the object itself', () => {
  const created = apply(undefined, { ...config({ replicas: 1 }), status: { replicas: 7 } });
  assert.equal(
    Object.values(owned(created))
      .flat()
      .some((path) => path.startsWith('.status')),
    false,
  );
  assert.deepEqual(Reflect.get(created, 'status'), {});
});

test('applyPatch: list items are matched by all their keys with defaults', () => {
  const service = (ports: readonly object[]) => ({ metadata: { name: 's' }, spec: { ports } });
  const options = {
    struct: SERVICE,
    manager: 'a',
    apiVersion: 'v1',
    subresource: '',
    force: false,
    time: T1,
  };
  const created = applyPatch({
    ...options,
    live: undefined,
    patch: service([{ port: 80 }, { port: 53, protocol: 'UDP' }]),
  });
  const paths = memberPaths(created.metadata.managedFields?.[0]?.fieldsV1 as FieldsNode);
  assert.ok(paths.includes('.spec.ports[port=80,protocol="TCP"]'), paths.join(' '));
  const live = normalizeObject(
    { ...created, spec: { ports: [{ port: 80, protocol: 'TCP', nodePort: 30_000 }] } },
    SERVICE,
  );
  const again = applyPatch({ ...options, live, patch: service([{ port: 80, name: 'http' }]) }) as unknown as {
    spec: { ports: readonly object[] };
  };
  assert.deepEqual(again.spec.ports, [
    { port: 80, protocol: 'TCP', nodePort: 30_000, targetPort: 0, name: 'http' },
  ]);
});

test('applyPatch: without a table fields are deduced from the values', () => {
  const options = {
    struct: undefined,
    manager: 'a',
    apiVersion: 'x/v1',
    subresource: '',
    force: false,
    time: T1,
  };
  const created = applyPatch({
    ...options,
    live: undefined,
    patch: { metadata: { name: 'x' }, spec: { a: 1, list: [1] } },
  });
  assert.deepEqual(memberPaths(created.metadata.managedFields?.[0]?.fieldsV1 as FieldsNode), [
    '.spec',
    '.spec.a',
    '.spec.list',
  ]);
  const next = applyPatch({
    ...options,
    live: created,
    patch: { metadata: { name: 'x' }, spec: { list: [2] } },
  });
  assert.deepEqual((next as unknown as { spec: unknown }).spec, { list: [2] });
});

const fieldSet: fc.Arbitrary<FieldsNode> = fc
  .array(fc.array(fc.constantFrom('f:a', 'f:b', 'k:{"n":1}'), { minLength: 1, maxLength: 4 }), {
    maxLength: 6,
  })
  .map((paths) =>
    paths.reduce<FieldsNode>(
      (all, path) =>
        union(
          all,
          path.reduceRight<FieldsNode>((node, element) => ({ [element]: node }), {}),
        ),
      {},
    ),
  );

test('fields: union, difference and intersection obey the laws of sets', () => {
  fc.assert(
    fc.property(fieldSet, fieldSet, (left, right) => {
      assert.ok(sameFields(union(left, right), union(right, left)));
      assert.ok(isEmptySet(intersection(difference(left, right), right)));
      assert.ok(sameFields(union(difference(left, right), intersection(left, right)), left));
      assert.equal(union(left, left), left);
      assert.deepEqual(
        new Set(memberPaths(union(left, right))),
        new Set([...memberPaths(left), ...memberPaths(right)]),
      );
    }),
  );
});
