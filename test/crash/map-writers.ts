import assert from 'node:assert/strict';
import type { ConfigMap } from '#api/types/core.v1.ts';
import type { Random } from '#base/random.ts';
import type { ApiClient, SentRequest } from '../containers/api-client.fixture.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const WRITERS = 8;
const NAMES_EACH = 6;
/** Of ten writes to what is there, this many are deletions. */
const DELETIONS_OF_TEN = 2;

/** Ends a watch of the history. */
const LAST = 'last';
const FILLER = 'x'.repeat(1_000);

/** What one map says; undefined when it is not there. */
type Mark = string | undefined;

interface Known {
  /** As it was answered last. */
  readonly mark: Mark;
  /** Sent and never answered: the map may say this, or what it said before. */
  readonly pending?: { readonly mark: Mark };
}

/** An answered write that made a revision that is known. */
interface Answered {
  readonly name: string;
  readonly mark: string;
  readonly revision: string;
}

interface MapEvent {
  readonly type: string;
  readonly object: ConfigMap;
}

/**
 * Writers that create, change and delete ConfigMaps at the same time, each its own, and know what they were
 * answered. After a kill they compare.
 */
export class MapWriters {
  readonly #random: Random;
  readonly #known = new Map<string, Known>();
  #answered: Answered[] = [];
  #revision = 0n;
  #count = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Writes that were answered, of all rounds. */
  get count(): number {
    return this.#count;
  }

  /** Writes until the server is gone. */
  async write(client: ApiClient): Promise<void> {
    await Promise.all(Array.from({ length: WRITERS }, (_, writer) => this.#writeAs(writer, client)));
  }

  async #writeAs(writer: number, client: ApiClient): Promise<void> {
    for (;;) {
      const name = `map-${writer}-${this.#random.int(NAMES_EACH)}`;
      const { mark } = this.#known.get(name) ?? { mark: undefined };
      const isDeletion = mark !== undefined && this.#random.int(10) < DELETIONS_OF_TEN;
      const next = isDeletion ? undefined : this.#random.uuid();
      this.#known.set(name, { mark, pending: { mark: next } });
      const answer = await client.send(requestOf(name, mark, next)).catch(() => undefined);
      if (answer === undefined || answer.status === 503) {
        return;
      }
      assert.ok(answer.status === 200 || answer.status === 201, answer.body);
      this.#known.set(name, { mark: next });
      this.#count += 1;
      if (next !== undefined) {
        const { metadata } = JSON.parse(answer.body) as ConfigMap;
        this.#answered.push({ name, mark: next, revision: metadata.resourceVersion ?? '' });
      }
    }
  }

  /** Everything that was answered is there, each change in the history once and in order. */
  async check(client: ApiClient): Promise<void> {
    await this.#checkHistory(client);
    const list = await client.json<{ metadata: { resourceVersion: string }; items: readonly ConfigMap[] }>(
      MAPS,
    );
    const revision = BigInt(list.metadata.resourceVersion);
    const newest = this.#answered
      .map((each) => BigInt(each.revision))
      .reduce((most, each) => (each > most ? each : most), this.#revision);
    assert.ok(revision >= newest, `the revision went back from ${newest} to ${revision}`);
    const marks = new Map(list.items.map(({ metadata, data }) => [metadata.name, data?.['mark']]));
    for (const [name, { mark, pending }] of this.#known) {
      const found = marks.get(name);
      assert.ok(
        found === mark || (pending !== undefined && found === pending.mark),
        `${name} is ${String(found)}; answered was ${String(mark)}, under way ${String(pending?.mark)}`,
      );
      this.#known.set(name, { mark: found });
    }
    this.#revision = revision;
    this.#answered = [];
  }

  /** A watch resumed where the last check ended shows every answered write once, in order. */
  async #checkHistory(client: ApiClient): Promise<void> {
    if (this.#revision === 0n) {
      return;
    }
    await expect(client, { method: 'POST', path: MAPS, body: bodyOf(LAST, undefined) });
    const path = `${MAPS}?watch=1&resourceVersion=${this.#revision}`;
    const lines = await client.lines(path, (line) => eventOf(line).object.metadata.name === LAST);
    await expect(client, { method: 'DELETE', path: `${MAPS}/${LAST}` });
    const events = lines.map(eventOf);
    const revisions = events.map(({ object }) => BigInt(object.metadata.resourceVersion ?? ''));
    assert.ok(
      revisions.every((each, index) => each > (revisions[index - 1] ?? this.#revision)),
      `events are not in order: ${revisions.join(' ')}`,
    );
    const seen = new Map(events.map(({ object }) => [object.metadata.resourceVersion, object]));
    for (const { name, mark, revision } of this.#answered) {
      const object = seen.get(revision);
      assert.deepEqual([object?.metadata.name, object?.data?.['mark']], [name, mark], `revision ${revision}`);
    }
  }
}

/** Creates, changes or deletes. */
function requestOf(name: string, mark: Mark, next: Mark): SentRequest {
  const path = `${MAPS}/${name}`;
  if (next === undefined) {
    return { method: 'DELETE', path };
  }
  return mark === undefined
    ? { method: 'POST', path: MAPS, body: bodyOf(name, next) }
    : { method: 'PUT', path, body: bodyOf(name, next) };
}

function bodyOf(name: string, mark: Mark): string {
  return JSON.stringify({ metadata: { name }, data: mark === undefined ? {} : { mark, filler: FILLER } });
}

async function expect(client: ApiClient, sent: SentRequest): Promise<void> {
  const { status, body } = await client.send(sent);
  assert.ok(status === 200 || status === 201, body);
}

function eventOf(line: string): MapEvent {
  return JSON.parse(line) as MapEvent;
}
