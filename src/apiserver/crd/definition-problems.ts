import { dns1035LabelProblems, dnsSubdomainProblems } from '#api/names.ts';
import type { FieldError } from '#api/status-error.ts';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  JSONSchemaProps,
  SelectableField,
} from '#api/types/apiextensions.v1.ts';
import { Problems } from '#api/validation/problems.ts';
import { jsonEqual } from '#base/json-equal.ts';
import { checkConversion } from './conversion-problems.ts';
import { APPROVAL_ANNOTATION, approvalOf } from './definition-approval.ts';
import { isConditionTrue } from './definition-conditions.ts';
import { checkColumn, checkNames, checkScale } from './definition-part-problems.ts';
import { followPath } from './rules/field-path.ts';
import { schemaProblems } from './schema-problems.ts';
import { compileSchema } from './structural-schema.ts';

const SELECTABLE_MAX = 8;

/** What an update lets through because it was there before. */
interface Tolerance {
  readonly previous: CustomResourceDefinition | undefined;
  /** Versions whose schemas did not change. */
  readonly acceptedSchemas: ReadonlySet<string>;
}

/** Everything wrong with a definition, in upstream's words; its metadata is somebody else's to check. */
export function definitionProblems(
  definition: CustomResourceDefinition,
  previous?: CustomResourceDefinition,
): readonly FieldError[] {
  const problems = new Problems();
  const { metadata, spec, status } = definition;
  if (previous === undefined && metadata.name !== `${spec.names.plural}.${spec.group}`) {
    problems.invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group');
  }
  const tolerance = { previous, acceptedSchemas: unchangedSchemas(spec, previous?.spec) };
  checkSpec(problems, definition, tolerance);
  if (previous !== undefined) {
    checkImmutable(problems, spec, previous);
  }
  checkNames(problems, 'status.acceptedNames', status.acceptedNames);
  checkStoredVersions(problems, definition);
  checkApproval(problems, definition, previous);
  if (spec.preserveUnknownFields === true && previous?.spec.preserveUnknownFields !== true) {
    problems.invalid(
      'spec.preserveUnknownFields',
      true,
      'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
    );
  }
  return problems.found;
}

function unchangedSchemas(
  { versions }: CustomResourceDefinitionSpec,
  previous: CustomResourceDefinitionSpec | undefined,
): ReadonlySet<string> {
  const before = new Map(previous?.versions.map(({ name, schema }) => [name, schema]));
  return new Set(
    versions
      .filter(({ name, schema }) => before.has(name) && jsonEqual(before.get(name), schema))
      .map(({ name }) => name),
  );
}

function checkSpec(problems: Problems, definition: CustomResourceDefinition, tolerance: Tolerance): void {
  const { spec } = definition;
  checkGroup(problems, spec.group);
  problems.requiredOneOf('spec.scope', spec.scope, ['Cluster', 'Namespaced']);
  const parts = hoistParts(spec.versions);
  if (parts.schema === undefined) {
    spec.versions.forEach(({ schema }, index) => {
      if (schema?.openAPIV3Schema === undefined) {
        problems.required(`spec.versions[${index}].schema.openAPIV3Schema`, '');
      }
    });
  }
  spec.versions.forEach((version, index) =>
    checkVersion(problems, withoutHoisted(version, parts), { path: `spec.versions[${index}]`, tolerance }),
  );
  if (new Set(spec.versions.map(({ name }) => name)).size < spec.versions.length) {
    problems.invalid('spec.versions', shownVersions(spec, parts), 'must contain unique version names');
  }
  if (spec.versions.filter(({ storage }) => storage).length !== 1) {
    problems.invalid(
      'spec.versions',
      shownVersions(spec, parts),
      'must have exactly one version marked as storage version',
    );
  }
  for (const field of ['plural', 'singular', 'kind', 'listKind'] as const) {
    if ((spec.names[field] ?? '') === '') {
      problems.required(`spec.names.${field}`, '');
    }
  }
  checkNames(problems, 'spec.names', spec.names);
  const [first] = spec.versions;
  if (first !== undefined) {
    checkParts(
      problems,
      { ...parts, name: first.name },
      {
        schema: 'spec.validation',
        at: 'spec',
        hasStatus: spec.versions.some(({ subresources }) => subresources?.status !== undefined),
        tolerance,
      },
    );
  }
  if (spec.preserveUnknownFields === true && (spec.conversion?.strategy ?? 'None') !== 'None') {
    problems.invalid(
      'spec.conversion.strategy',
      spec.conversion?.strategy,
      'must be None if spec.preserveUnknownFields is true',
    );
  }
  checkConversion(problems, spec.conversion, tolerance.previous);
}

/** What all versions say alike stands once, at the top of upstream's own form of a definition, and is named so. */
type Parts = Pick<
  CustomResourceDefinitionVersion,
  'schema' | 'subresources' | 'additionalPrinterColumns' | 'selectableFields'
>;

const PART_NAMES = ['schema', 'subresources', 'additionalPrinterColumns', 'selectableFields'] as const;

function hoistParts(versions: readonly CustomResourceDefinitionVersion[]): Parts {
  const [first] = versions;
  const alike = PART_NAMES.filter(
    (name) =>
      first?.[name] !== undefined && versions.every((version) => jsonEqual(version[name], first[name])),
  );
  return Object.fromEntries(alike.map((name) => [name, first?.[name]]));
}

function withoutHoisted(
  version: CustomResourceDefinitionVersion,
  parts: Parts,
): CustomResourceDefinitionVersion {
  const kept = Object.entries(version).filter(([name]) => !Object.hasOwn(parts, name));
  // Only optional fields are left out.
  return Object.fromEntries(kept) as unknown as CustomResourceDefinitionVersion;
}

/** The versions as upstream's sentences show them: by Go's names. */
function shownVersions({ versions }: CustomResourceDefinitionSpec, parts: Parts): unknown {
  return versions
    .map((version) => withoutHoisted(version, parts))
    .map((version) => ({
      Name: version.name,
      Served: version.served,
      Storage: version.storage,
      Deprecated: version.deprecated ?? false,
      DeprecationWarning: version.deprecationWarning ?? null,
      Schema: version.schema ?? null,
      Subresources: version.subresources ?? null,
      AdditionalPrinterColumns: version.additionalPrinterColumns ?? null,
      SelectableFields: version.selectableFields ?? null,
    }));
}

function checkImmutable(
  problems: Problems,
  { scope, names, group }: CustomResourceDefinitionSpec,
  previous: CustomResourceDefinition,
): void {
  if (isConditionTrue(previous, 'Established')) {
    // Objects are stored under them.
    problems.immutable('spec.scope', scope, previous.spec.scope);
    problems.immutable('spec.names.kind', names.kind, previous.spec.names.kind);
  }
  problems.immutable('spec.group', group, previous.spec.group);
  problems.immutable('spec.names.plural', names.plural, previous.spec.names.plural);
}

function checkStoredVersions(problems: Problems, { spec, status }: CustomResourceDefinition): void {
  const stored = status.storedVersions ?? [];
  const path = 'status.storedVersions';
  if (stored.length === 0) {
    problems.invalid(path, status.storedVersions ?? null, 'must have at least one stored version');
    return;
  }
  for (const { name, storage } of spec.versions) {
    if (storage && !stored.includes(name)) {
      problems.invalid(path, stored, `must have the storage version ${name}`);
    }
  }
  const versions = new Set(spec.versions.map(({ name }) => name));
  stored.forEach((name, index) => {
    if (!versions.has(name)) {
      problems.invalid(
        `${path}[${index}]`,
        name,
        `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`,
      );
    }
  });
}

/** Groups of the project itself are for APIs that were reviewed. What did not change is let through. */
function checkApproval(
  problems: Problems,
  definition: CustomResourceDefinition,
  previous: CustomResourceDefinition | undefined,
): void {
  const approval = approvalOf(definition);
  const before = previous === undefined ? undefined : approvalOf(previous);
  if (approval === undefined || approval.state === before?.state) {
    return;
  }
  const path = `metadata.annotations[${APPROVAL_ANNOTATION}]`;
  if (approval.state === 'missing') {
    problems.required(path, approval.sentence);
  } else if (approval.state === 'invalid') {
    problems.invalid(path, definition.metadata.annotations?.[APPROVAL_ANNOTATION], approval.sentence);
  }
}

function checkGroup(problems: Problems, group: string): void {
  if (group === '') {
    problems.required('spec.group', '');
    return;
  }
  const wrong = dnsSubdomainProblems(group);
  if (wrong.length > 0) {
    problems.invalid('spec.group', group, wrong.join(','));
  } else if (!group.includes('.')) {
    problems.invalid('spec.group', group, 'should be a domain with at least one dot');
  }
}

interface VersionPlace {
  readonly path: string;
  readonly tolerance: Tolerance;
}

function checkVersion(
  problems: Problems,
  version: CustomResourceDefinitionVersion,
  { path, tolerance }: VersionPlace,
): void {
  const { name, subresources } = version;
  const wrong = dns1035LabelProblems(name);
  if (wrong.length > 0) {
    problems.invalid(`${path}.name`, name, wrong.join(','));
  }
  for (const detail of deprecationProblems(version)) {
    problems.invalid(`${path}.deprecationWarning`, version.deprecationWarning, detail);
  }
  checkParts(problems, version, {
    schema: `${path}.schema`,
    at: path,
    hasStatus: subresources?.status !== undefined,
    tolerance,
  });
}

/** What is not printed when it is sent, as Go sees it. */
const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;
const DEPRECATION_WARNING_BYTES_MAX = 256;

function deprecationProblems({
  deprecated,
  deprecationWarning: warning,
}: CustomResourceDefinitionVersion): readonly string[] {
  if (warning === undefined) {
    return [];
  }
  if (deprecated !== true) {
    return ['can only be set for deprecated versions'];
  }
  const at = UNPRINTABLE.exec(warning)?.index;
  return [
    ...(Buffer.byteLength(warning) > DEPRECATION_WARNING_BYTES_MAX ? ['must be <= 256 characters long'] : []),
    ...(warning === '' ? ['must not be an empty string'] : []),
    ...(at === undefined
      ? []
      : [
          `must only contain printable UTF-8 characters; non-printable character found at index ${Buffer.byteLength(warning.slice(0, at))}`,
        ]),
  ];
}

interface PartsPlace {
  /** Where the schema is named; the other parts stand at `at`. */
  readonly schema: string;
  readonly at: string;
  readonly hasStatus: boolean;
  readonly tolerance: Tolerance;
}

function checkParts(
  problems: Problems,
  {
    schema,
    subresources,
    additionalPrinterColumns,
    selectableFields = [],
    name,
  }: Parts & { readonly name: string },
  { schema: schemaPath, at, hasStatus, tolerance }: PartsPlace,
): void {
  const props = schema?.openAPIV3Schema;
  if (props !== undefined) {
    const isAccepted = tolerance.acceptedSchemas.has(name);
    problems.addAll(schemaProblems(props, `${schemaPath}.openAPIV3Schema`, { hasStatus, isAccepted }));
  }
  if (subresources?.scale !== undefined) {
    checkScale(problems, subresources.scale, `${at}.subresources.scale`);
  }
  additionalPrinterColumns?.forEach((column, index) =>
    checkColumn(problems, column, `${at}.additionalPrinterColumns[${index}]`),
  );
  if (selectableFields.length > 0) {
    const before = tolerance.previous?.spec.versions.find((version) => version.name === name);
    checkSelectable(problems, selectableFields, {
      path: `${at}.selectableFields`,
      schema: props,
      isAccepted: jsonEqual(before?.selectableFields, selectableFields),
    });
  }
}

interface SelectablePlace {
  readonly path: string;
  /** Undefined where another place of the definition has it. */
  readonly schema: JSONSchemaProps | undefined;
  /** However many there are, they were there before. */
  readonly isAccepted: boolean;
}

const SELECTABLE_TYPES: ReadonlySet<string> = new Set(['string', 'boolean', 'integer']);

function checkSelectable(
  problems: Problems,
  fields: readonly SelectableField[],
  { path, schema: props, isAccepted }: SelectablePlace,
): void {
  if (props === undefined) {
    problems.invalid(
      path,
      '',
      path.startsWith('spec.versions')
        ? 'may only be set when `version.schema.openAPIV3Schema` is not included'
        : 'may only be set when validations.schema is included',
    );
    return;
  }
  const schema = compileSchema(props);
  const seen = new Set<string>();
  fields.forEach(({ jsonPath }, index) => {
    const at = `${path}[${index}].jsonPath`;
    const found = jsonPath === '' ? undefined : followPath(jsonPath, schema, false);
    if (found === undefined) {
      problems.required(at, '');
    } else if ('problem' in found) {
      problems.invalid(at, jsonPath, `is an invalid path: ${found.problem}`);
    } else {
      if (found.root === 'metadata') {
        problems.invalid(at, jsonPath, 'must not point to fields in metadata');
      }
      if (!SELECTABLE_TYPES.has(found.schema?.type ?? '')) {
        problems.invalid(
          at,
          jsonPath,
          'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
        );
      }
      if (seen.has(found.path)) {
        problems.duplicate(at, jsonPath);
      }
      seen.add(found.path);
    }
  });
  if (seen.size > SELECTABLE_MAX && !isAccepted) {
    problems.tooMany(path, seen.size, SELECTABLE_MAX);
  }
}
