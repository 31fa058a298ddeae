import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asObject } from '../object-access.ts';
import { alignedText, DESCRIPTION_LAYOUT } from '../tab-writer.ts';
import { customColumnsPrinter } from './custom-columns.ts';
import { goJson } from './go-json.ts';
import { TablePrinter } from './table-printer.ts';

const TABLE = {
  columnDefinitions: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Age', type: 'string', format: '', priority: 0 },
    { name: 'Node', type: 'string', format: '', priority: 1 },
  ],
  rows: [
    { cells: ['web', '5m', 'n1'], object: { metadata: { namespace: 'default', labels: { app: 'web' } } } },
    { cells: ['a-long-name', '10s\nmore', 'n2'], object: { metadata: { namespace: 'kube-system' } } },
  ],
};

const PLAIN = {
  isWide: false,
  hasHeaders: true,
  labelColumns: [],
  showsLabels: false,
  withNamespace: false,
  kindPrefix: '',
};

test('table: columns are three blanks apart, and cells are one line', () => {
  const printer = new TablePrinter(PLAIN);
  printer.add(TABLE);
  assert.equal(printer.flush(), 'NAME          AGE\nweb           5m\na-long-name   10s...\n');
});

test('table: namespaces, kinds, labels and wide columns stand where they belong', () => {
  const printer = new TablePrinter({
    ...PLAIN,
    isWide: true,
    labelColumns: ['app'],
    showsLabels: true,
    withNamespace: true,
    kindPrefix: 'pod',
  });
  printer.add({ ...TABLE, rows: TABLE.rows.slice(0, 1) });
  assert.equal(
    printer.flush(),
    'NAMESPACE   NAME      AGE   NODE   APP   LABELS\ndefault     pod/web   5m    n1     web   app=web\n',
  );
});

test('table: rows that a watch brings later keep the widths and bring no header', () => {
  const printer = new TablePrinter(PLAIN);
  printer.add(TABLE);
  printer.flush();
  printer.add({ columnDefinitions: [], rows: [] });
  printer.add({ ...TABLE, rows: [{ cells: ['x', '1s', ''] }] });
  assert.equal(printer.flush(), 'x             1s\n');
});

test('description: neighbouring lines share their columns, others do not', () => {
  assert.equal(
    alignedText(DESCRIPTION_LAYOUT, 'Name:\tweb\nNamespace:\tdefault\nPorts:\n  a:\t1\n'),
    'Name:       web\nNamespace:  default\nPorts:\n  a:  1\n',
  );
});

test('custom columns: lists and missing fields stand as upstream has them', () => {
  const print = customColumnsPrinter('NAME:.metadata.name,PORTS:.ports,NONE:.x', true);
  const object = asObject({ apiVersion: 'v1', kind: 'X', metadata: { name: 'a' }, ports: [1, 2] });
  assert.equal(print([object]), 'NAME   PORTS   NONE\na      [1 2]   <none>\n');
  assert.equal(print([object]), 'a      [1 2]   <none>\n');
});

test('JSON: keys are sorted, and what HTML could take for its own is escaped', () => {
  assert.equal(goJson({ b: '<&>', a: [] }), String.raw`{"a":[],"b":"\u003c\u0026\u003e"}`);
  assert.equal(
    goJson({ b: { c: 1 }, a: [], d: {} }, 2),
    '{\n  "a": [],\n  "b": {\n    "c": 1\n  },\n  "d": {}\n}',
  );
});
