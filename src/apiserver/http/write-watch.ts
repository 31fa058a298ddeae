import type { ApiObject } from '#api/object.ts';
import { apiVersionOf } from '#api/resource-type.ts';
import { internalError, StatusError } from '#api/status-error.ts';
import { EMPTY_BYTES, utf8Encode } from '#base/bytes.ts';
import { encodeProtobuf } from '#codec/protobuf/kubernetes-protobuf.ts';
import { BYTES, WireWriter } from '#base/protobuf-wire.ts';
import type { Served } from '../endpoints/api-call.ts';
import type { StoredObject } from '../registry/stored-object.ts';
import type { WatchItem } from '../registry/watch.ts';
import { partialMetadata } from '../tables/partial-metadata.ts';
import { tableOf, type TableOptions } from '../tables/table.ts';
import { infoOf, printerOf, shown } from './served-objects.ts';
import { PROTOBUF_TYPE, type AcceptedForm } from './negotiation.ts';
import type { Responder } from './responder.ts';

const INITIAL_END_ANNOTATION = 'k8s.io/initial-events-end';

const OPENINGS: Readonly<Record<'ADDED' | 'MODIFIED' | 'DELETED', Uint8Array>> = {
  ADDED: utf8Encode('{"type":"ADDED","object":'),
  MODIFIED: utf8Encode('{"type":"MODIFIED","object":'),
  DELETED: utf8Encode('{"type":"DELETED","object":'),
};
const CLOSING = utf8Encode('}\n');

interface WatchContext {
  readonly form: AcceptedForm;
  readonly warnings: readonly string[];
  readonly table: TableOptions;
}

type WatchResult = Served & { readonly batches: AsyncIterable<readonly WatchItem[]> };

/**
 * Writes a watch as one JSON document a line. A batch is written as one piece, and the next one is asked
 * for when the client has taken it: a slow client waits in the store's log, not in this process's memory.
 */
export async function writeWatch(
  responder: Responder,
  { batches, ...served }: WatchResult,
  asked: WatchContext,
): Promise<void> {
  // Custom kinds have no protobuf form; their clients accept JSON beside it.
  const isCustom = served.storage.strategy.custom !== undefined;
  const context: WatchContext =
    isCustom && asked.form.encoding === 'protobuf'
      ? { ...asked, form: { ...asked.form, encoding: 'json' } }
      : asked;
  const iterator = batches[Symbol.asyncIterator]();
  const contentType =
    context.form.encoding === 'protobuf' ? `${PROTOBUF_TYPE};stream=watch` : 'application/json';
  let hasSentColumns = false;
  try {
    // The first step may refuse; then the answer is an ordinary error and no stream has begun.
    const first = Promise.resolve(iterator.next());
    const started = await Promise.race([first, nextTurn()]);
    if (started === undefined) {
      responder.startStream(200, contentType, context.warnings);
    }
    for (let step = await first; step.done !== true; step = await iterator.next()) {
      if (!responder.hasStarted) {
        responder.startStream(200, contentType, context.warnings);
      }
      const frames = step.value.map((item) => {
        const options = { ...context.table, noHeaders: hasSentColumns };
        hasSentColumns = true;
        return frameOf(item, served, { ...context, table: options });
      });
      if (
        frames.length > 0 &&
        !(await responder.write(
          frames.length === 1 && frames[0] !== undefined ? frames[0] : Buffer.concat(frames),
        ))
      ) {
        return;
      }
    }
    if (!responder.hasStarted) {
      responder.startStream(200, contentType, context.warnings);
    }
  } catch (error) {
    if (!responder.hasStarted) {
      throw error;
    }
    const status = asStatusError(error).toStatus();
    await responder.write(
      context.form.encoding === 'protobuf'
        ? protobufFrame('ERROR', status)
        : `${JSON.stringify({ type: 'ERROR', object: status })}\n`,
    );
  } finally {
    await iterator.return?.(undefined);
    responder.end();
  }
}

function asStatusError(error: unknown): StatusError {
  return error instanceof StatusError ? error : internalError('watch ended', error);
}

/** Settles after everything that is ready now has run, so that a watch that is refused at once is seen to be. */
async function nextTurn(): Promise<undefined> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  return undefined;
}

function frameOf(item: WatchItem, served: Served, context: WatchContext): Uint8Array {
  if (context.form.encoding === 'protobuf') {
    return protobufFrame(
      item.type,
      item.type === 'BOOKMARK' ? bookmark(item, served, context) : shown(item.stored.object, served),
    );
  }
  if (item.type === 'BOOKMARK') {
    return utf8Encode(`${JSON.stringify({ type: 'BOOKMARK', object: bookmark(item, served, context) })}\n`);
  }
  return context.form.as === undefined && served.view === undefined
    ? recentFrames.of(item.type, item.stored)
    : utf8Encode(
        `${JSON.stringify({ type: item.type, object: transformed(shown(item.stored.object, served), served, context) })}\n`,
      );
}

type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** Watchers of one change ask for its frame within the same moment. */
const FRAMES_BYTES_MAX = 16 * 1024 * 1024;

/** The newest frames by what they show, so that two hundred watchers of one change share one encoding. */
class RecentFrames {
  readonly #frames = new Map<StoredObject, Partial<Record<ChangeType, Uint8Array>>>();
  #bytes = 0;

  of(type: ChangeType, stored: StoredObject): Uint8Array {
    const known = this.#frames.get(stored) ?? {};
    const frame = known[type];
    if (frame !== undefined) {
      return frame;
    }
    const made = Buffer.concat([OPENINGS[type], stored.wire, CLOSING]);
    known[type] = made;
    this.#frames.set(stored, known);
    this.#bytes += made.length;
    for (const [oldest, parts] of this.#frames) {
      if (this.#bytes <= FRAMES_BYTES_MAX) {
        break;
      }
      this.#frames.delete(oldest);
      this.#bytes -= Object.values(parts).reduce((sum, { length }) => sum + length, 0);
    }
    return made;
  }
}

const recentFrames = new RecentFrames();

/** A length of four bytes, then a WatchEvent whose object stands in its own envelope. */
function protobufFrame(type: WatchItem['type'] | 'ERROR', object: object): Uint8Array {
  const writer = new WireWriter();
  writer.tag(1, BYTES);
  writer.string(type);
  writer.tag(2, BYTES);
  writer.message(() => {
    writer.tag(1, BYTES);
    writer.bytes(encodeProtobuf(object) ?? EMPTY_BYTES);
  });
  const message = writer.finish();
  const length = Buffer.alloc(4);
  length.writeUInt32BE(message.length);
  return Buffer.concat([length, message]);
}

function bookmark(
  { revision, isInitialEnd }: Extract<WatchItem, { type: 'BOOKMARK' }>,
  served: Served,
  { form, table }: WatchContext,
): object {
  const metadata = {
    resourceVersion: String(revision),
    creationTimestamp: null,
    ...(isInitialEnd ? { annotations: { [INITIAL_END_ANNOTATION]: 'true' } } : {}),
  };
  const object = { kind: infoOf(served).kind, apiVersion: apiVersionOf(infoOf(served)), metadata };
  switch (form.as) {
    case 'Table':
      return tableOf(
        printerOf(served),
        [],
        { resourceVersion: String(revision) },
        { ...table, noHeaders: true },
      );
    case undefined:
      return object;
    default:
      return partialMetadata(object as unknown as ApiObject);
  }
}

function transformed(object: ApiObject, served: Served, { form, table }: WatchContext): object {
  if (form.as === undefined) {
    return object;
  }
  return form.as === 'Table'
    ? tableOf(printerOf(served), [object], { resourceVersion: object.metadata.resourceVersion }, table)
    : partialMetadata(object);
}
