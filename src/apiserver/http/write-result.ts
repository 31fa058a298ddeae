import type { ApiObject } from '#api/object.ts';
import type { Scale } from '#api/types/autoscaling.v1.ts';
import { apiVersionOf } from '#api/resource-type.ts';
import { StatusError } from '#api/status-error.ts';
import { encodeJson } from '#codec/canonical.ts';
import { encodeProtobuf } from '#codec/protobuf/kubernetes-protobuf.ts';
import { encodeYaml } from '#codec/yaml.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { ApiResult, Served } from '../endpoints/api-call.ts';
import type { ObjectPage } from '../registry/list.ts';
import type { ResourceStorage } from '../registry/resource-storage.ts';
import { partialList, partialMetadata } from '../tables/partial-metadata.ts';
import { SCALE_PRINTER } from '../tables/printers/workloads.ts';
import { tableOf, type TableOptions } from '../tables/table.ts';
import { infoOf, printerOf, shown } from './served-objects.ts';
import { notAcceptable, PROTOBUF_TYPE, type AcceptedForm } from './negotiation.ts';
import type { Responder } from './responder.ts';
import { writeWatch } from './write-watch.ts';

const JSON_TYPE = 'application/json';
const YAML_TYPE = 'application/yaml';

/** Bytes of list items gathered before they are written. */
const CHUNK_BYTES = 256 * 1024;

export interface WriteContext {
  readonly form: AcceptedForm;
  readonly warnings: readonly string[];
  readonly table: TableOptions;
  /** The client asked for indented JSON. */
  readonly isPretty: boolean;
  /** Told of the objects that are sent. */
  readonly audit?: AuditTrail | undefined;
}

/** Turns an answer into bytes in the form the client accepts. */
export async function writeResult(
  responder: Responder,
  result: ApiResult,
  context: WriteContext,
): Promise<void> {
  const { form, warnings } = context;
  switch (result.kind) {
    case 'stored': {
      if (isPlain(result, context)) {
        responder.send(result.code, JSON_TYPE, result.stored.wire, warnings);
      } else {
        sendValue(
          responder,
          result.code,
          transformed(shown(result.stored.object, result), result, context),
          context,
        );
      }
      return;
    }
    case 'page':
      return isPlain(result, context)
        ? streamPage(responder, result, warnings)
        : sendValue(responder, 200, transformedPage(result, context), context);
    case 'value':
      return sendValue(responder, result.code, inTable(result.value, context), context);
    case 'watch':
      return writeWatch(responder, result, { form, warnings, table: context.table });
    case 'text':
      responder.send(result.code, result.contentType, result.text, warnings);
      return;
    case 'bytes': {
      if (result.headers === undefined) {
        responder.startStream(result.code, result.contentType, warnings);
      } else {
        responder.startWithHeaders(result.code, result.headers);
      }
      for await (const chunk of result.chunks) {
        if (!(await responder.write(chunk))) {
          break;
        }
      }
      responder.end();
    }
  }
}

/**
 * A Scale is the one answer that is not stored and has columns of its own.
 *
 * @throws {StatusError} NotAcceptable for others, when nothing but a table will do
 */
function inTable(value: object, { form, table }: WriteContext): object {
  if (form.as !== 'Table' || !('kind' in value) || value.kind === 'Status') {
    return value;
  }
  if (value.kind !== 'Scale') {
    if (!form.takesPlain) {
      throw notAcceptable();
    }
    return value;
  }
  const scale = value as Scale;
  return tableOf(SCALE_PRINTER, [scale], { resourceVersion: scale.metadata.resourceVersion }, table);
}

/** True when the stored bytes are what the client gets. */
function isPlain({ view }: Served, { form, isPretty, audit }: WriteContext): boolean {
  return (
    view === undefined &&
    form.encoding === 'json' &&
    form.as === undefined &&
    !isPretty &&
    audit?.keepsAnswers !== true
  );
}

/** Sends any object in the client's encoding. */
export function sendValue(
  responder: Responder,
  code: number,
  value: object,
  { form, warnings, isPretty, audit }: Pick<WriteContext, 'form' | 'warnings' | 'isPretty' | 'audit'>,
): void {
  audit?.answered(value);
  const message = form.encoding === 'protobuf' ? encodeProtobuf(value) : undefined;
  if (message !== undefined) {
    responder.send(code, PROTOBUF_TYPE, message, warnings);
  } else if (form.encoding === 'yaml') {
    responder.send(code, YAML_TYPE, encodeYaml(value), warnings);
  } else {
    responder.send(
      code,
      JSON_TYPE,
      isPretty ? `${JSON.stringify(value, undefined, 2)}\n` : `${encodeJson(value)}\n`,
      warnings,
    );
  }
}

function transformed(object: ApiObject, served: Served, { form, table }: WriteContext): object {
  switch (form.as) {
    case 'Table':
      return tableOf(
        printerOf(served),
        [object],
        { resourceVersion: object.metadata.resourceVersion },
        table,
      );
    case 'PartialObjectMetadata':
      return partialMetadata(object);
    case undefined:
      return object;
    default:
      throw new StatusError({
        code: 406,
        reason: 'NotAcceptable',
        message: `you requested ${form.as}, but the requested object is not a list`,
      });
  }
}

function transformedPage(
  served: Served & { readonly page: ObjectPage },
  { form, table }: WriteContext,
): object {
  const { page } = served;
  const objects = page.items.map(({ object }) => shown(object, served));
  const metadata = listMetadata(page);
  switch (form.as) {
    case 'Table':
      return tableOf(printerOf(served), objects, metadata, table);
    case 'PartialObjectMetadataList':
      return partialList(objects, metadata);
    case undefined:
      return {
        kind: listKind(infoOf(served)),
        apiVersion: apiVersionOf(infoOf(served)),
        metadata,
        items: objects.map(withoutType),
      };
    default:
      throw new StatusError({
        code: 406,
        reason: 'NotAcceptable',
        message: `you requested ${form.as}, but the requested object is a list`,
      });
  }
}

function withoutType({ apiVersion: _version, kind: _kind, ...rest }: ApiObject): object {
  return rest;
}

export function listKind({
  kind,
  listKind: own,
}: {
  readonly kind: string;
  readonly listKind?: string;
}): string {
  return own ?? `${kind}List`;
}

export function listMetadata(page: ObjectPage): {
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
} {
  return {
    resourceVersion: String(page.revision),
    ...(page.continue === '' ? {} : { continue: page.continue }),
    ...(page.remaining === undefined || page.remaining === 0 ? {} : { remainingItemCount: page.remaining }),
  };
}

/** Writes a list straight from stored bytes, a chunk at a time, so that a large one never stands in memory twice. */
async function streamPage(
  responder: Responder,
  { page, storage }: { page: ObjectPage; storage: ResourceStorage },
  warnings: readonly string[],
): Promise<void> {
  const type = `{"kind":${JSON.stringify(listKind(storage.strategy.info))},"apiVersion":${JSON.stringify(apiVersionOf(storage.strategy.info))}`;
  const head = `${type},"metadata":${JSON.stringify(listMetadata(page))},"items":[`;
  responder.start(200, JSON_TYPE, warnings);
  const chunks = new ReusedChunks();
  let chunk = chunks.take(head.length);
  let used = chunk.write(head);
  for (const [index, item] of page.items.entries()) {
    const needed = item.itemLength + 3;
    if (used + needed > chunk.length) {
      const full = chunk;
      if (!(await responder.write(full.subarray(0, used), () => chunks.giveBack(full)))) {
        return;
      }
      chunk = chunks.take(needed);
      used = 0;
    }
    if (index > 0) {
      chunk[used] = 0x2c;
      used += 1;
    }
    item.writeItem(chunk, used);
    used += needed - 3;
  }
  await responder.write(Buffer.concat([chunk.subarray(0, used), Buffer.from(']}\n')]));
  responder.end();
}

/** Chunks that are filled again once they are written: left to the garbage collector, a slow reader costs many times as much. */
class ReusedChunks {
  readonly #free: Buffer[] = [];

  take(length: number): Buffer {
    const known = this.#free.pop();
    return known !== undefined && known.length >= length
      ? known
      : Buffer.allocUnsafe(Math.max(CHUNK_BYTES, length));
  }

  giveBack(chunk: Buffer): void {
    this.#free.push(chunk);
  }
}
