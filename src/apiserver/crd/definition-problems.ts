import { isDeepStrictEqual } from 'node:util';
import { dns1035LabelProblems, dnsSubdomainProblems } from '#api/names.ts';
import type { FieldError } from '#api/status-error.ts';
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionVersion,
  CustomResourceSubresourceScale,
} from '#api/types/apiextensions.v1.ts';
import { Problems } from '#api/validation/problems.ts';
import { isConditionTrue } from './definition-conditions.ts';
import { parseJsonPath } from './json-path.ts';
import { structuralProblems } from './structural-problems.ts';

const APPROVAL_ANNOTATION = 'api-approved.kubernetes.io';
const SELECTABLE_MAX = 8;

/** Everything wrong with a definition, in upstream's words. */
export function definitionProblems(definition: CustomResourceDefinition): readonly FieldError[] {
  const problems = new Problems();
  const { metadata, spec } = definition;
  if (metadata.name !== `${spec.names.plural}.${spec.group}`) {
    problems.invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group');
  }
  checkApproval(problems, definition);
  checkGroup(problems, spec.group);
  problems.requiredOneOf('spec.scope', spec.scope, ['Cluster', 'Namespaced']);
  checkVersions(problems, spec.versions);
  checkNames(problems, spec.names);
  checkConversion(problems, definition);
  if (spec.preserveUnknownFields === true) {
    problems.invalid('spec.preserveUnknownFields', true, 'must be false');
  }
  return problems.found;
}

/** Everything wrong with a changed definition. */
export function definitionUpdateProblems(
  next: CustomResourceDefinition,
  previous: CustomResourceDefinition,
): readonly FieldError[] {
  const problems = new Problems();
  if (isConditionTrue(previous, 'Established')) {
    problems.immutable('spec.scope', next.spec.scope, previous.spec.scope);
    problems.immutable('spec.names.kind', next.spec.names.kind, previous.spec.names.kind);
  }
  problems.immutable('spec.group', next.spec.group, previous.spec.group);
  problems.immutable('spec.names.plural', next.spec.names.plural, previous.spec.names.plural);
  const versions = new Set(next.spec.versions.map(({ name }) => name));
  for (const [index, stored] of (next.status.storedVersions ?? []).entries()) {
    if (!versions.has(stored)) {
      problems.invalid(
        `status.storedVersions[${index}]`,
        stored,
        `missing from spec.versions; ${stored} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${stored} and removes ${stored} from status.storedVersions`,
      );
    }
  }
  return [...definitionProblems(next), ...problems.found];
}

/** Groups of the project itself are for APIs that were reviewed. */
function checkApproval(problems: Problems, { metadata, spec: { group } }: CustomResourceDefinition): void {
  if (!/(?:^|\.)(?:k8s|kubernetes)\.io$/.test(group)) {
    return;
  }
  const path = `metadata.annotations[${APPROVAL_ANNOTATION}]`;
  const value = metadata.annotations?.[APPROVAL_ANNOTATION] ?? '';
  if (value === '') {
    problems.required(
      path,
      'protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
    );
  } else if (!value.startsWith('unapproved') && !/^https?:\/\/[^/]+/.test(value)) {
    problems.invalid(
      path,
      value,
      `protected groups must have approval annotation "api-approved.kubernetes.io" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111`,
    );
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

function checkVersions(problems: Problems, versions: readonly CustomResourceDefinitionVersion[]): void {
  versions.forEach(({ name }, index) => {
    const wrong = dns1035LabelProblems(name);
    if (wrong.length > 0) {
      problems.invalid(`spec.versions[${index}].name`, name, wrong.join(','));
    }
  });
  if (new Set(versions.map(({ name }) => name)).size < versions.length) {
    problems.invalid('spec.versions', versions, 'must contain unique version names');
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    problems.invalid('spec.versions', versions, 'must have exactly one version marked as storage version');
  }
  eachPart(versions, 'schema', 'validation', (version, path) => {
    const schema = version.schema?.openAPIV3Schema;
    if (schema === undefined) {
      problems.required(`${path}.openAPIV3Schema`, 'schemas are required');
    } else {
      problems.addAll(structuralProblems(schema, `${path}.openAPIV3Schema`));
    }
  });
  eachPart(versions, 'subresources', 'subresources', ({ subresources }, path) => {
    if (subresources?.scale !== undefined) {
      checkScale(problems, subresources.scale, `${path}.scale`);
    }
  });
  eachPart(versions, 'additionalPrinterColumns', 'additionalPrinterColumns', (version, path) => {
    version.additionalPrinterColumns?.forEach((column, index) =>
      checkColumn(problems, column, `${path}[${index}]`),
    );
  });
  eachPart(versions, 'selectableFields', 'selectableFields', ({ selectableFields = [] }, path) => {
    if (selectableFields.length > SELECTABLE_MAX) {
      problems.tooMany(path, selectableFields.length, SELECTABLE_MAX);
    }
    selectableFields.forEach(({ jsonPath }, index) =>
      checkSimplePath(problems, `${path}[${index}].jsonPath`, jsonPath),
    );
  });
}

/** What all versions say alike is named once, at the top of the spec, as upstream's own form has it. */
function eachPart(
  versions: readonly CustomResourceDefinitionVersion[],
  part: keyof CustomResourceDefinitionVersion,
  hoistedName: string,
  check: (version: CustomResourceDefinitionVersion, path: string) => void,
): void {
  const [first] = versions;
  const isHoisted =
    first?.[part] !== undefined && versions.every((version) => isDeepStrictEqual(version[part], first[part]));
  if (isHoisted) {
    check(first, `spec.${hoistedName}`);
  } else {
    versions.forEach((version, index) => check(version, `spec.versions[${index}].${part}`));
  }
}

function checkScale(problems: Problems, scale: CustomResourceSubresourceScale, path: string): void {
  const { specReplicasPath, statusReplicasPath, labelSelectorPath = '' } = scale;
  checkScalePath(problems, `${path}.specReplicasPath`, specReplicasPath, '.spec');
  checkScalePath(problems, `${path}.statusReplicasPath`, statusReplicasPath, '.status');
  if (labelSelectorPath !== '' && !/^\.(?:spec|status)\./.test(labelSelectorPath)) {
    problems.invalid(
      `${path}.labelSelectorPath`,
      labelSelectorPath,
      'should be a json path under either .spec or .status',
    );
  }
}

function checkScalePath(problems: Problems, path: string, value: string, root: string): void {
  if (value === '') {
    problems.required(path, '');
  } else if (!value.startsWith('.')) {
    problems.invalid(path, value, 'must be a simple json path starting with .');
  } else if (!value.startsWith(`${root}.`)) {
    problems.invalid(path, value, `should be a json path under ${root}`);
  }
}

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];

function checkColumn(problems: Problems, column: CustomResourceColumnDefinition, path: string): void {
  if (column.name === '') {
    problems.required(`${path}.name`, '');
  }
  if (column.type === '') {
    problems.required(`${path}.type`, `must be one of ${COLUMN_TYPES.join(',')}`);
  } else if (!COLUMN_TYPES.includes(column.type)) {
    problems.invalid(`${path}.type`, column.type, `must be one of ${COLUMN_TYPES.join(',')}`);
  }
  checkSimplePath(problems, `${path}.jsonPath`, column.jsonPath);
}

function checkSimplePath(problems: Problems, path: string, value: string): void {
  if (value === '') {
    problems.required(path, '');
    return;
  }
  if (!value.startsWith('.')) {
    problems.invalid(path, value, 'must be a simple json path starting with .');
    return;
  }
  const parsed = parseJsonPath(value);
  if ('problem' in parsed) {
    problems.invalid(path, value, `is an invalid path: ${parsed.problem}`);
  }
}

function checkNames(problems: Problems, names: CustomResourceDefinitionNames): void {
  const { plural, singular = '', kind, listKind = '', shortNames = [], categories = [] } = names;
  for (const [field, value] of Object.entries({ plural, singular, kind, listKind })) {
    if (value === '') {
      problems.required(`spec.names.${field}`, '');
    }
  }
  const label = (path: string, value: string, detail = ''): void => {
    const wrong = value === '' ? [] : dns1035LabelProblems(detail === '' ? value : value.toLowerCase());
    if (wrong.length > 0) {
      problems.invalid(`spec.names.${path}`, value, `${detail}${wrong.join(',')}`);
    }
  };
  label('plural', plural);
  label('singular', singular);
  label('kind', kind, MIXED_CASE);
  label('listKind', listKind, MIXED_CASE);
  shortNames.forEach((name, index) => label(`shortNames[${index}]`, name));
  if (kind !== '' && kind === listKind) {
    problems.invalid('spec.names.listKind', listKind, 'kind and listKind may not be the same');
  }
  categories.forEach((name, index) => label(`categories[${index}]`, name));
}

const MIXED_CASE = 'may have mixed case, but should otherwise match: ';

function checkConversion(problems: Problems, { spec: { conversion } }: CustomResourceDefinition): void {
  if (conversion === undefined) {
    return;
  }
  problems.requiredOneOf('spec.conversion.strategy', conversion.strategy, ['None', 'Webhook']);
  const client = conversion.webhook?.clientConfig;
  if (conversion.strategy === 'Webhook') {
    if (client === undefined) {
      problems.required('spec.conversion.webhookClientConfig', 'required when strategy is set to Webhook');
    } else if ((client.url === undefined) === (client.service === undefined)) {
      problems.required('spec.conversion.webhookClientConfig', 'exactly one of url or service is required');
    }
  } else if (conversion.webhook !== undefined) {
    problems.forbidden(
      'spec.conversion.webhookClientConfig',
      'should not be set when strategy is not set to Webhook',
    );
  }
}
