import type * as CustomRules from './rules/custom-rules.ts';
import type { ResourceInfo } from '#api/resource-table.ts';
import { apiVersionOf } from '#api/resource-type.ts';
import { knownStruct, type StructType } from '#api/schema/schema.ts';
import { badRequest, type FieldError } from '#api/status-error.ts';
import type { CustomResourceDefinitionVersion } from '#api/types/apiextensions.v1.ts';
import { isRecord, setOwn } from '#codec/own-property.ts';
import {
  decodeObject,
  textProblems,
  unknownField,
  type Decoded,
  type DecodeOptions,
} from '#codec/typed-decode.ts';
import { withStatus } from '../registry/default-strategy.ts';
import { withMetadata } from '../registry/metadata.ts';
import type { CustomKind, DraftObject, Strategy, ValidationCheck } from '../registry/strategy.ts';
import { createProblems, statusProblems, updateProblems } from './custom-problems.ts';
import { customPrinter } from './custom-printer.ts';
import { withReadMetadata } from './embedded-metadata.ts';
import { finalizerWarnings } from './finalizer-warnings.ts';
import { parseJsonPath } from './json-path.ts';
import { prune } from './prune.ts';
import { withDefaults } from './schema-defaults.ts';
import { structOfSchema } from './schema-struct.ts';
import { ANY_OBJECT, compileSchema, hasRules, type Schema } from './structural-schema.ts';

/** One version of a custom kind, compiled from its definition. */
export interface CustomVersion {
  readonly info: ResourceInfo;
  readonly schema: Schema;
  readonly struct: StructType;
  readonly kind: CustomKind;
  readonly definition: CustomResourceDefinitionVersion;
}

export function compileVersion(
  info: ResourceInfo,
  definition: CustomResourceDefinitionVersion,
): CustomVersion {
  const props = definition.schema?.openAPIV3Schema;
  const schema = props === undefined ? ANY_OBJECT : compileSchema(props);
  return {
    info,
    schema,
    struct: structOfSchema(info, schema),
    kind: {
      decode: (value, options) => decodeCustom(value, info, schema, options),
      printer: customPrinter(definition.additionalPrinterColumns),
    },
    definition,
  };
}

const PARTIAL = knownStruct('meta.v1.PartialObjectMetadata');

/** Reads a custom object: metadata by its table, all else pruned by the schema. */
function decodeCustom(
  value: unknown,
  info: ResourceInfo,
  schema: Schema,
  { fieldValidation, source }: DecodeOptions,
): Decoded {
  if (!isRecord(value)) {
    throw badRequest(`the body of the request is not an object of kind ${info.kind}`);
  }
  const known = decodeObject(
    { apiVersion: apiVersionOf(info), kind: info.kind, metadata: value['metadata'] },
    PARTIAL,
    { fieldValidation: fieldValidation === 'Ignore' ? 'Ignore' : 'Warn' },
  );
  const unknown: string[] | undefined = fieldValidation === 'Ignore' ? undefined : [];
  const kept = prune(value, schema, true, unknown);
  const pruned = withReadMetadata(kept, schema, unknown) as Readonly<Record<string, unknown>>;
  const object: Record<string, unknown> = { ...known.object };
  for (const name of Object.keys(pruned)) {
    if (!Object.hasOwn(object, name)) {
      setOwn(object, name, pruned[name]);
    }
  }
  const warnings =
    fieldValidation === 'Ignore'
      ? []
      : [...textProblems(source), ...known.warnings, ...(unknown ?? []).map(unknownField)];
  if (fieldValidation === 'Strict' && warnings.length > 0) {
    throw badRequest(
      `${info.kind} in version ${JSON.stringify(info.version)} cannot be handled as a ${info.kind}: strict decoding error: ${warnings.join(', ')}`,
    );
  }
  return { object: object as unknown as DraftObject, warnings };
}

/** How objects of a custom kind behave, from the version they are stored in. */
export function customStrategy(version: CustomVersion): Strategy {
  const { info, schema, struct, kind, definition } = version;
  const hasStatus = Object.hasOwn(info.subresources, 'status');
  return {
    info,
    struct,
    custom: kind,
    tracksGeneration: true,
    allowsCreateOnUpdate: false,
    allowsUnconditionalUpdate: false,
    returnsDeleted: false,
    selectableFields: selectableFields(definition),
    applyDefaults: (object) => withDefaults(object, schema),
    // Admission may have brought what the schema does not have. What it has for an absent status stands there from
    // the start.
    prepareCreate: (object) => coerce(hasStatus ? withStatus(object, undefined) : object, version),
    prepareUpdate: (given, current, subresource) => {
      const next = coerce(given, version);
      return subresource === 'status'
        ? statusOnly(next, current)
        : hasStatus
          ? withStatus(next, current['status'])
          : next;
    },
    validateCreate: (object) => createProblems(object, version),
    validateUpdate: (next, current, subresource) =>
      subresource === 'status'
        ? statusProblems(next, current, version)
        : updateProblems(next, current, version),
    finishValidation: (check) => finishValidation(check, schema),
  };
}

/** The code that evaluates rules is loaded for the first object that has some. */
let loaded: typeof CustomRules | undefined;

async function finishValidation(check: ValidationCheck, schema: Schema): Promise<readonly FieldError[]> {
  let errors: readonly FieldError[] = [];
  if (hasRules(schema)) {
    loaded ??= await import('./rules/custom-rules.ts');
    errors = loaded.customRuleErrors(schema, check);
  }
  if (check.found.length === 0 && errors.length === 0 && check.subresource === '') {
    check.context.warnings.push(...finalizerWarnings(check.next, check.previous));
  }
  return errors;
}

/** A write to `status` changes nothing of the metadata but who owns what. */
function statusOnly(next: DraftObject, current: DraftObject): DraftObject {
  const { managedFields } = next.metadata;
  const metadata = { ...current.metadata, ...(managedFields === undefined ? {} : { managedFields }) };
  return withMetadata(withStatus(current, next['status']), metadata);
}

function selectableFields({
  selectableFields: fields = [],
}: CustomResourceDefinitionVersion): Strategy['selectableFields'] {
  return Object.fromEntries(
    fields.map(({ jsonPath }) => {
      const path = parseJsonPath(jsonPath);
      const read = (object: DraftObject): string => {
        const [value] = 'find' in path ? path.find(object) : [];
        return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
          ? String(value)
          : '';
      };
      return [jsonPath.replace(/^\./, ''), read];
    }),
  );
}

/** The object without what a version's schema does not have. */
export function cut(object: DraftObject, { schema }: CustomVersion): DraftObject {
  const { apiVersion, kind, metadata, ...rest } = object;
  // Pruning takes fields away and changes no other.
  const pruned = prune(rest, schema, true) as Readonly<Record<string, unknown>>;
  return { apiVersion, kind, metadata, ...pruned };
}

/** An object in the form that a version's schema gives it: what an older schema allowed and this one does not is gone. */
export function coerce(object: DraftObject, version: CustomVersion): DraftObject {
  return withDefaults(cut(object, version), version.schema);
}
