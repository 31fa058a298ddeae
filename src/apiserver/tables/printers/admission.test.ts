import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from '#api/object.ts';
import { columnsOf } from '../columns.ts';

/** What a table shows of an object between its name and its age. */
function shown(resource: string, more: object): string {
  const printer = columnsOf({ group: 'admissionregistration.k8s.io', version: 'v1', resource });
  const object = { metadata: { name: 'n', creationTimestamp: '2026-01-01T00:00:00Z' }, ...more };
  const cells = printer.cells(object as unknown as ApiObject, Date.parse('2026-01-01T00:00:10Z'));
  assert.deepEqual([cells.length, cells[0], cells.at(-1)], [printer.columns.length, 'n', '10s']);
  return cells
    .slice(1, -1)
    .map((cell, index) => `${printer.columns[index + 1]?.name}=${String(cell)}`)
    .join(' ');
}

test('tables: policies and their bindings', () => {
  const paramKind = { apiVersion: 'v1', kind: 'ConfigMap' };
  const binding = (paramRef?: object): string =>
    shown('validatingadmissionpolicybindings', { spec: { policyName: 'p', paramRef } });
  const selector = {
    matchLabels: { b: '2', a: '1' },
    matchExpressions: [{ key: 'k', operator: 'In', values: ['x', 'y'] }],
  };
  assert.deepEqual(
    [
      shown('validatingadmissionpolicies', { spec: { validations: [{}, {}], paramKind } }),
      shown('mutatingadmissionpolicies', { spec: { mutations: [{}] } }),
      binding(),
      binding({ name: 'limits' }),
      binding({ name: 'limits', namespace: 'team' }),
      binding({ selector }),
      shown('validatingwebhookconfigurations', { webhooks: [{}] }),
    ],
    [
      'Validations=2 ParamKind=v1/ConfigMap',
      'Mutations=1 ParamKind=<unset>',
      'PolicyName=p ParamRef=<unset>',
      'PolicyName=p ParamRef=*/limits',
      'PolicyName=p ParamRef=team/limits',
      'PolicyName=p ParamRef=&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:In,Values:[x y],},},}',
      'Webhooks=1',
    ],
  );
});
