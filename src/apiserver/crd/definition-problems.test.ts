import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldErrorText } from '#api/status-error.ts';
import type {
  CustomResourceConversion,
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  JSONSchemaProps,
  ValidationRule,
} from '#api/types/apiextensions.v1.ts';
import { definitionProblems } from './definition-problems.ts';
import { definitionWarnings } from './definition-warnings.ts';

const TEXT = { type: 'string' } as const;
const COUNT = { type: 'integer' } as const;
const OBJECT = { type: 'object' } as const;

function aDefinition(
  spec: Partial<CustomResourceDefinitionSpec> = {},
  rest: { readonly annotations?: Record<string, string>; readonly established?: boolean } = {},
): CustomResourceDefinition {
  const versions = spec.versions ?? [aVersion()];
  const { group = 'example.com' } = spec;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `crontabs.${group}`, annotations: rest.annotations ?? {} },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: 'crontabs', singular: 'crontab', kind: 'CronTab', listKind: 'CronTabList' },
      ...spec,
      versions,
    },
    status: {
      acceptedNames: { plural: '', kind: '' },
      storedVersions: versions.filter(({ storage }) => storage).map(({ name }) => name),
      conditions: rest.established === true ? [{ type: 'Established', status: 'True' }] : [],
    },
  } as unknown as CustomResourceDefinition;
}

function aVersion(changes: Partial<CustomResourceDefinitionVersion> = {}): CustomResourceDefinitionVersion {
  return { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: OBJECT }, ...changes };
}

function problems(
  definition: CustomResourceDefinition,
  previous?: CustomResourceDefinition,
): readonly string[] {
  return definitionProblems(definition, previous).map(fieldErrorText);
}

function withSchema(schema: JSONSchemaProps): CustomResourceDefinition {
  return aDefinition({ versions: [aVersion({ schema: { openAPIV3Schema: schema } })] });
}

test('definitionProblems: names, versions and parts', () => {
  const names = { plural: 'crontabs', singular: 'crontab', kind: 'CronTab', listKind: 'CronTabList' };
  const other = { openAPIV3Schema: { ...OBJECT, description: 'other' } };
  const cases: readonly [name: string, definition: CustomResourceDefinition, ...said: string[]][] = [
    ['a good one', aDefinition()],
    [
      'a group without a dot',
      aDefinition({ group: 'example' }),
      'spec.group: Invalid value: "example": should be a domain with at least one dot',
    ],
    [
      'names',
      aDefinition({
        names: { ...names, kind: 'Cron_Tab', listKind: '', shortNames: ['C'], categories: ['All'] },
      }),
      'spec.names.listKind: Required value',
      `spec.names.kind: Invalid value: "Cron_Tab": may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`,
      `spec.names.shortNames[0]: Invalid value: "C": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`,
      `spec.names.categories[0]: Invalid value: "All": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`,
    ],
    [
      'two storage versions of one name',
      aDefinition({ versions: [aVersion(), aVersion()] }),
      'spec.versions: Invalid value: [{"Name":"v1","Served":true,"Storage":true,"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources":null,"AdditionalPrinterColumns":null,"SelectableFields":null},{"Name":"v1","Served":true,"Storage":true,"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources":null,"AdditionalPrinterColumns":null,"SelectableFields":null}]: must contain unique version names',
      'spec.versions: Invalid value: [{"Name":"v1","Served":true,"Storage":true,"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources":null,"AdditionalPrinterColumns":null,"SelectableFields":null},{"Name":"v1","Served":true,"Storage":true,"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources":null,"AdditionalPrinterColumns":null,"SelectableFields":null}]: must have exactly one version marked as storage version',
    ],
    [
      'parts of one version, and parts that all share',
      aDefinition({
        versions: [
          aVersion({ additionalPrinterColumns: [{ name: '', type: 'text', jsonPath: 'x' }] }),
          aVersion({
            name: 'v2',
            storage: false,
            schema: other,
            deprecationWarning: 'gone',
            additionalPrinterColumns: [{ name: '', type: 'text', jsonPath: 'x' }],
          }),
        ],
      }),
      'spec.versions[1].deprecationWarning: Invalid value: "gone": can only be set for deprecated versions',
      'spec.additionalPrinterColumns[0].name: Required value',
      'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
      'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "x": must be a simple json path starting with .',
    ],
    [
      'subresources',
      aDefinition({
        versions: [
          aVersion({
            subresources: {
              scale: { specReplicasPath: '', statusReplicasPath: '.spec.x', labelSelectorPath: '.x' },
            },
          }),
        ],
      }),
      'spec.subresources.scale.specReplicasPath: Required value',
      'spec.subresources.scale.statusReplicasPath: Invalid value: ".spec.x": should be a json path under .status',
      'spec.subresources.scale.labelSelectorPath: Invalid value: ".x": should be a json path under either .spec or .status',
    ],
    [
      'selectable fields',
      aDefinition({
        versions: [
          aVersion({
            schema: {
              openAPIV3Schema: {
                ...OBJECT,
                properties: {
                  metadata: { ...OBJECT, properties: { name: TEXT } },
                  spec: { ...OBJECT, properties: { a: TEXT, o: OBJECT } },
                },
              },
            },
            selectableFields: [
              '.spec.a',
              '.spec.a',
              '.spec.o',
              '.spec.x',
              '.metadata.name',
              '',
              '.spec[0]',
            ].map((jsonPath) => ({ jsonPath })),
          }),
        ],
      }),
      'spec.selectableFields[1].jsonPath: Duplicate value: ".spec.a"',
      'spec.selectableFields[2].jsonPath: Invalid value: ".spec.o": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
      'spec.selectableFields[3].jsonPath: Invalid value: ".spec.x": is an invalid path: does not refer to a valid field',
      'spec.selectableFields[4].jsonPath: Invalid value: ".metadata.name": must not point to fields in metadata',
      'spec.selectableFields[5].jsonPath: Required value',
      'spec.selectableFields[6].jsonPath: Invalid value: ".spec[0]": is an invalid path: array notation is not allowed',
    ],
    [
      'a group of the project',
      aDefinition({ group: 'x.k8s.io' }),
      'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
    ],
    [
      'a group of the project, approved',
      aDefinition({ group: 'x.k8s.io' }, { annotations: { 'api-approved.kubernetes.io': 'https://x.y/1' } }),
    ],
    [
      'preserving everything, the old way',
      aDefinition({ preserveUnknownFields: true }),
      'spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
    ],
  ];
  for (const [name, definition, ...said] of cases) {
    assert.deepEqual(problems(definition), said, name);
  }
});

test('definitionProblems: conversion', () => {
  const webhook = (changes: object, versions: readonly string[] = ['v1']): CustomResourceConversion => ({
    strategy: 'Webhook',
    webhook: { clientConfig: { url: 'https://x.y/z', ...changes }, conversionReviewVersions: versions },
  });
  const cases: readonly [conversion: CustomResourceConversion, ...said: string[]][] = [
    [{ strategy: 'None' }],
    [webhook({})],
    [
      { strategy: 'Some' },
      'spec.conversion.strategy: Unsupported value: "Some": supported values: "None", "Webhook"',
    ],
    [
      { strategy: 'Webhook' },
      'spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook',
      'spec.conversion.conversionReviewVersions: Required value',
    ],
    [
      { ...webhook({}), strategy: 'None' },
      'spec.conversion.webhookClientConfig: Forbidden: should not be set when strategy is not set to Webhook',
      'spec.conversion.conversionReviewVersions: Forbidden: should not be set when strategy is not set to Webhook',
    ],
    [
      webhook({ url: 'http://x.y/z' }, ['v9', 'v9']),
      `spec.conversion.webhookClientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
      'spec.conversion.conversionReviewVersions[1]: Invalid value: "v9": duplicate version',
      'spec.conversion.conversionReviewVersions: Invalid value: ["v9","v9"]: must include at least one of v1, v1beta1',
    ],
    [
      webhook({ service: { name: 'a', namespace: 'b' } }),
      'spec.conversion.webhookClientConfig: Required value: exactly one of url or service is required',
    ],
    [
      webhook({ url: undefined, service: { name: 'a', namespace: 'b', port: 0, path: 'x//y' } }),
      'spec.conversion.webhookClientConfig.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive',
      `spec.conversion.webhookClientConfig.service.path: Invalid value: "x//y": must start with a '/'`,
      'spec.conversion.webhookClientConfig.service.path: Invalid value: "x//y": segment[0] may not be empty',
      'spec.conversion.webhookClientConfig.service.path: Invalid value: "x//y": segment[1] may not be empty',
    ],
  ];
  for (const [conversion, ...said] of cases) {
    assert.deepEqual(problems(aDefinition({ conversion })), said);
  }
});

test('definitionProblems: an update keeps what objects are stored under, and lets through what was there', () => {
  const before = aDefinition({}, { established: true });
  const names = { ...before.spec.names, kind: 'Other', listKind: 'OtherList' };
  assert.deepEqual(problems(aDefinition({ names, scope: 'Cluster' }), before), [
    'spec.scope: Invalid value: "Cluster": field is immutable',
    'spec.names.kind: Invalid value: "Other": field is immutable',
  ]);
  assert.deepEqual(problems(aDefinition({ names, scope: 'Cluster' }), aDefinition()), []);
  const authority = {
    strategy: 'Webhook',
    webhook: { clientConfig: { url: 'https://x.y', caBundle: 'eA==' }, conversionReviewVersions: ['v1'] },
  } as const;
  const bad =
    'spec.conversion.webhookClientConfig.caBundle: Invalid value: "eA==": unable to load root certificates: unable to parse bytes as PEM block';
  assert.deepEqual(problems(aDefinition({ conversion: authority })), [], 'what is new is tried first');
  assert.deepEqual(problems(aDefinition({ conversion: authority }), before), [bad]);
  assert.deepEqual(
    problems(
      aDefinition({ conversion: authority }),
      aDefinition({ conversion: authority }, { established: true }),
    ),
    [],
  );
  const renamed = aDefinition({ versions: [aVersion({ name: 'v2' })] });
  const stored = { ...renamed, status: { ...renamed.status, storedVersions: ['v1', 'v2'] } };
  assert.deepEqual(problems(stored, before), [
    'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions',
  ]);
});

const AT = 'spec.validation.openAPIV3Schema';

test('definitionProblems: what a schema may not say', () => {
  const cases: readonly [schema: JSONSchemaProps, ...said: string[]][] = [
    [
      { ...OBJECT, properties: { a: { type: 'nothing' }, b: { ...TEXT, uniqueItems: true } } },
      `${AT}.properties[a].type: Unsupported value: "nothing": supported values: "array", "boolean", "integer", "number", "object", "string"`,
      `${AT}.properties[b].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`,
    ],
    [
      { ...OBJECT, properties: { a: { ...OBJECT, properties: { b: TEXT }, additionalProperties: TEXT } } },
      `${AT}.properties[a].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`,
    ],
    [
      {
        ...OBJECT,
        nullable: true,
        properties: { a: { ...OBJECT, 'x-kubernetes-preserve-unknown-fields': false } },
      },
      `${AT}.nullable: Forbidden: nullable cannot be true at the root`,
      `${AT}.properties[a].x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined`,
    ],
    [
      { ...OBJECT, properties: { a: { type: 'array', items: OBJECT, 'x-kubernetes-list-type': 'set' } } },
      `${AT}.properties[a].items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set`,
    ],
    [
      {
        ...OBJECT,
        properties: {
          a: {
            type: 'array',
            items: { ...OBJECT, nullable: true, properties: { k: { ...TEXT, nullable: true } } },
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['k', 'k', 'l'],
          },
        },
      },
      `${AT}.properties[a].x-kubernetes-list-map-keys: Invalid value: ["k","k","l"]: must not contain duplicate entries`,
      `${AT}.properties[a].x-kubernetes-list-map-keys: Invalid value: ["k","k","l"]: entries must all be names of item properties`,
      `${AT}.properties[a].items.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is map`,
      `${AT}.properties[a].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
      `${AT}.properties[a].items.properties[k].nullable: Forbidden: this property is in x-kubernetes-list-map-keys, so it cannot be nullable`,
      `${AT}.properties[a].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
      `${AT}.properties[a].items.properties[k].nullable: Forbidden: this property is in x-kubernetes-list-map-keys, so it cannot be nullable`,
    ],
    [
      {
        ...OBJECT,
        properties: {
          kind: { ...TEXT, default: 'x' },
          a: { ...OBJECT, default: { x: 1 }, properties: { y: TEXT } },
        },
      },
      `${AT}.properties[a].default: Invalid value: {"x":1}: must not have unknown fields`,
      `${AT}.properties[kind].default: Forbidden: must not be set in top-level kind`,
    ],
  ];
  for (const [schema, ...said] of cases) {
    assert.deepEqual(problems(withSchema(schema)), said);
  }
});

function ruled(
  schema: JSONSchemaProps,
  ...rules: readonly (Partial<ValidationRule> | string)[]
): JSONSchemaProps {
  return {
    ...schema,
    'x-kubernetes-validations': rules.map((rule) =>
      typeof rule === 'string' ? { rule } : { rule: 'true', ...rule },
    ),
  };
}

test('definitionProblems: rules that do not compile, or may cost too much', () => {
  const shown = (rule: string, more: object = {}): string =>
    JSON.stringify({
      Rule: rule,
      Message: '',
      MessageExpression: '',
      Reason: null,
      FieldPath: '',
      OptionalOldSelf: null,
      ...more,
    });
  const RULES = `${AT}.properties[a].x-kubernetes-validations`;
  const factor = (name: string, times: string): string =>
    `Forbidden: ${name} exceeds budget by factor of ${times} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
  const quadratic = 'self.all(x, self.all(y, x != y))';
  const cases: readonly [name: string, a: JSONSchemaProps, ...said: string[]][] = [
    ['good rules', ruled(COUNT, 'self > 1', { rule: 'self > oldSelf', message: 'm' })],
    [
      'texts',
      ruled(
        { ...OBJECT, properties: { b: TEXT } },
        { rule: ' ' },
        { message: ' ' },
        { message: 'a\nb' },
        { rule: 'true\n&& true' },
        { messageExpression: ' ' },
        { reason: 'Other' as 'FieldValueInvalid' },
        { fieldPath: '.c' },
        { fieldPath: '.b' },
      ),
      `${RULES}[0].rule: Required value: rule is not specified`,
      `${RULES}[1].message: Invalid value: " ": must be non-empty if specified`,
      `${RULES}[2].message: Invalid value: "a\\nb": must not contain line breaks`,
      `${RULES}[3].message: Required value: message must be specified if rule contains line breaks`,
      `${RULES}[4].messageExpression: Required value: messageExpression must be non-empty if specified`,
      `${RULES}[5].reason: Unsupported value: "Other": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"`,
      `${RULES}[6].fieldPath: Invalid value: ".c": must be a valid path`,
    ],
    [
      'an unknown field',
      ruled({ ...OBJECT, properties: { b: TEXT } }, 'self.c == 1'),
      `${RULES}[0].rule: Invalid value: ${shown('self.c == 1')}: compilation failed: ERROR: <input>:1:5: undefined field 'c'\n | self.c == 1\n | ....^`,
    ],
    [
      'types',
      ruled(COUNT, 'self', 'self == true', { messageExpression: '1' }),
      `${RULES}[0].rule: Invalid value: ${shown('self')}: cel expression must evaluate to a bool`,
      `${RULES}[1].rule: Invalid value: ${shown('self == true')}: compilation failed: ERROR: <input>:1:6: found no matching overload for '_==_' applied to '(int, bool)'\n | self == true\n | .....^`,
      `${RULES}[2].messageExpression: Invalid value: ${shown('true', { MessageExpression: '1' })}: messageExpression must evaluate to a string`,
    ],
    [
      'optionalOldSelf without oldSelf',
      ruled(COUNT, { optionalOldSelf: true }),
      `${RULES}[0].optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule`,
    ],
    [
      'a transition that nothing can be compared for',
      { type: 'array', items: ruled(COUNT, 'self > oldSelf') },
      `${AT}.properties[a].items.x-kubernetes-validations[0].rule: Invalid value: "self > oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within ${AT}.properties[a]`,
    ],
    [
      'a rule without bounds',
      ruled({ type: 'array', items: COUNT }, quadratic),
      `${RULES}[0].rule: ${factor('estimated rule cost', 'more than 100x')}`,
      `${RULES}[0].rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema`,
      `${AT}: ${factor('x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema', 'more than 100x')}`,
    ],
    ['the same with bounds', ruled({ type: 'array', maxItems: 100, items: COUNT }, quadratic)],
  ];
  for (const [name, a, ...said] of cases) {
    assert.deepEqual(problems(withSchema({ ...OBJECT, properties: { a } })), said, name);
  }
  const costly = withSchema({
    ...OBJECT,
    properties: { a: ruled({ type: 'array', items: COUNT }, quadratic) },
  });
  assert.equal(
    problems(costly, costly).filter((text) => text.includes('estimated rule cost exceeds')).length,
    0,
    'a schema that was accepted once is not judged again for one rule',
  );
});

test('definitionProblems: a default keeps the rules', () => {
  const a = { ...ruled(COUNT, 'self > 1'), default: 1 };
  assert.deepEqual(problems(withSchema({ ...OBJECT, properties: { a } })), [
    `${AT}.properties[a].default: Invalid value: 1: failed rule: self > 1`,
  ]);
});

test('definitionWarnings: formats that nobody checks, when they are new', () => {
  const schema = {
    ...OBJECT,
    properties: {
      a: { ...TEXT, format: 'mood' },
      b: { ...TEXT, format: 'ipv4' },
      c: { ...COUNT, format: 'int64' },
    },
  };
  assert.deepEqual(definitionWarnings(withSchema(schema)), ['unrecognized format "mood"']);
  assert.deepEqual(definitionWarnings(withSchema(schema), withSchema(schema)), []);
});
