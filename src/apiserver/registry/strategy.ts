import type { ApiObject } from '#api/object.ts';
import type { ResourceInfo } from '#api/resource-table.ts';
import type { StructType } from '#api/schema/schema.ts';
import type { FieldError } from '#api/status-error.ts';
import type { Decoded, DecodeOptions } from '#codec/typed-decode.ts';
import type { TablePrinter } from '../tables/table.ts';
import type { RequestContext } from './request-context.ts';

/** An object on its way into the store. Strategies return a new one; they never modify what they are given. */
export type DraftObject = ApiObject & Readonly<Record<string, unknown>>;

/**
 * What makes one kind different from the others. Create, update, patch, delete, list and watch are written
 * once (`create.ts`, `update.ts`, …) and ask the kind's strategy where kinds differ.
 */
export interface Strategy {
  readonly info: ResourceInfo;
  readonly struct: StructType;
  /** `metadata.generation` counts changes of the desired state. */
  readonly tracksGeneration: boolean;
  /** A PUT to a name that is free creates the object. */
  readonly allowsCreateOnUpdate: boolean;
  /** A PUT without resourceVersion replaces whatever is there. */
  readonly allowsUnconditionalUpdate: boolean;
  /** A completed deletion answers with the object instead of a Status. */
  readonly returnsDeleted: boolean;
  /** Fields that field selectors may name beside `metadata.name` and `metadata.namespace`. */
  readonly selectableFields: Readonly<Record<string, (object: DraftObject) => string>>;

  /** Field defaults. Runs on every object that comes from a client. */
  applyDefaults(object: DraftObject): DraftObject;
  /** Clears what a client may not set at creation (status), fills what the server decides. */
  prepareCreate(object: DraftObject, context: RequestContext): DraftObject | Promise<DraftObject>;
  /** Keeps what this endpoint may not change: the status for the object itself, the rest for `status`. */
  prepareUpdate(
    next: DraftObject,
    current: DraftObject,
    subresource: string,
    context: RequestContext,
  ): DraftObject | Promise<DraftObject>;
  validateCreate(object: DraftObject): readonly FieldError[];
  validateUpdate(next: DraftObject, current: DraftObject, subresource: string): readonly FieldError[];
  /**
   * The last checks, for kinds that have some: those that warn, or whose code is loaded at first use.
   * Runs after the others, whatever they found, and returns what it finds beside that.
   */
  finishValidation?(check: ValidationCheck): Promise<readonly FieldError[]>;
  /**
   * How long deletion waits for the node to finish, in seconds; undefined for kinds that are deleted at once.
   * @param requested the client's `gracePeriodSeconds`
   */
  deletionGraceSeconds?(object: DraftObject, requested: number | undefined): number;
  /** True while something else than metadata.finalizers keeps a deleted object: a namespace's own finalizers. */
  isHeld?(object: DraftObject): boolean;
  /** What a deletion that has to wait changes in the object beside its metadata. */
  markDeleted?(object: DraftObject): DraftObject;
  /** Releases what was allocated for an object (addresses, ports), after it is gone. */
  afterDelete?(object: DraftObject): void;
  /** Seconds after which an object goes by itself; Events have one. */
  readonly ttlSeconds?: number;
  /** Finalizers that a deletion adds: what has to be cleaned up before the object may go. */
  readonly deletionFinalizers?: readonly string[];
  /** Set for kinds that a schema describes; built-in ones are decoded by their table. */
  readonly custom?: CustomKind;
}

/** A write that the ordinary checks have seen. */
export interface ValidationCheck {
  readonly next: DraftObject;
  /** Undefined for a create. */
  readonly previous: DraftObject | undefined;
  readonly subresource: string;
  /** What the ordinary checks found. */
  readonly found: readonly FieldError[];
  readonly context: RequestContext;
}

/** What a kind made at run time brings along. */
export interface CustomKind {
  /** @throws {StatusError} BadRequest as `decodeObject` does */
  decode(value: unknown, options: DecodeOptions): Decoded;
  readonly printer: TablePrinter;
}
