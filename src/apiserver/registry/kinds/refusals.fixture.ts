import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ApiObject } from '#api/object.ts';
import { RESOURCES } from '#api/resource-table.ts';
import { isAlreadyExists, StatusError } from '#api/status-error.ts';
import { SERVICE_ACCOUNT } from '#api/types/resources.ts';
import { defined } from '#base/assert.ts';
import { startInProcessCluster, type InProcessCluster } from '#cluster/in-process-cluster.ts';
import { isServed } from '../registry.ts';
import { goodObject } from './good-objects.fixture.ts';

/** A good object of a kind with one change, and all that the server says about it. */
export interface Refusal {
  /** As in `apps/StatefulSet` and `/Pod`. */
  readonly kind: string;
  /** What to set where, by paths such as `spec.ports.0.port`; undefined takes a field out. */
  readonly with: Readonly<Record<string, unknown>>;
  /** The change is made to an object that exists. */
  readonly onUpdate?: boolean;
  /** The same, through the `status` endpoint. */
  readonly onStatus?: boolean;
  /** Sentences as upstream's server puts them, in its order. */
  readonly says: readonly string[];
}

/** One test for each refusal, against a real server. */
export function testRefusals(refusals: readonly Refusal[]): void {
  let cluster: InProcessCluster;
  before(async () => {
    cluster = await startInProcessCluster();
    await cluster.client.of(SERVICE_ACCOUNT).create({ metadata: { namespace: 'default', name: 'default' } });
  });
  after(async () => {
    await cluster[Symbol.asyncDispose]();
  });
  for (const [index, refusal] of refusals.entries()) {
    const change = JSON.stringify(refusal.with).slice(0, 100);
    test(`${refusal.kind}: ${verbOf(refusal)} ${change} is refused`, async () => {
      assert.deepEqual(await refusalOf(cluster, refusal, `t${index}`), refusal.says);
    });
  }
}

function verbOf({ onUpdate, onStatus }: Refusal): string {
  return onUpdate === true ? 'changing to' : onStatus === true ? 'a status with' : 'with';
}

export async function refusalOf(
  cluster: InProcessCluster,
  { kind, with: changes, onUpdate = false, onStatus = false }: Refusal,
  freshName: string,
): Promise<readonly string[]> {
  const info = defined(
    RESOURCES.find((each) => isServed(each) && `${each.group}/${each.kind}` === kind),
    kind,
  );
  const good = defined(goodObject(info), `a good ${kind}`);
  const { group, version, resource, namespaced: isNamespaced } = info;
  const objects = cluster.client.of<ApiObject>({ group, version, resource, kind: info.kind, isNamespaced });
  const namespace = isNamespaced ? 'default' : '';
  const name = good.name === 'a' ? freshName : good.name;
  const metadata = { name, ...(isNamespaced ? { namespace } : {}) };
  try {
    if (onUpdate || onStatus) {
      await createOnce(() => objects.create({ metadata, ...good.body }));
      const stored = await objects.get(namespace, name);
      const next = changed(stored, changes);
      await (onStatus
        ? objects.updateStatus(next, { dryRun: true })
        : objects.update(next, { dryRun: true }));
    } else {
      await objects.create(changed({ metadata, ...good.body }, changes), { dryRun: true });
    }
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    return sentencesOf(error);
  }
  return [];
}

async function createOnce(create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    // Kinds whose name says something have one object for all tests.
    if (!isAlreadyExists(error)) {
      throw error;
    }
  }
}

function sentencesOf({ message, details }: StatusError): readonly string[] {
  const causes = details?.causes ?? [];
  return causes.length === 0
    ? [message]
    : causes.map(({ field = '', message: text = '' }) => `${field}: ${text}`);
}

function changed<T extends object>(object: T, changes: Readonly<Record<string, unknown>>): ApiObject & T {
  const copy = structuredClone(object) as Record<string, unknown>;
  for (const [path, value] of Object.entries(changes)) {
    const parts = path.split('.');
    let target = copy;
    for (const part of parts.slice(0, -1)) {
      target[part] ??= {};
      target = target[part] as Record<string, unknown>;
    }
    target[parts.at(-1) ?? ''] = value;
  }
  return copy as ApiObject & T;
}
