import { readFileSync } from 'node:fs';
import { CliError } from '../cli-error.ts';
import { TabWriter, TABLE_LAYOUT } from '../tab-writer.ts';
import { jsonPathText, valuesAtPath } from './json-path.ts';
import { type JsonPath, parseRelaxedPath } from './json-path-parser.ts';
import type { ObjectPrinter } from './printer.ts';

interface Column {
  readonly header: string;
  readonly path: readonly JsonPath[];
}

/** Columns from `HEADER:.path,HEADER:.path`. */
export function customColumnsPrinter(spec: string, hasHeaders: boolean): ObjectPrinter {
  if (spec === '') {
    throw new CliError('custom-columns format specified but no custom columns given');
  }
  const columns = spec.split(',').map((part) => {
    const colon = part.indexOf(':');
    if (colon < 0) {
      throw new CliError(`unexpected custom-columns spec: ${part}, expected <header>:<json-path-expr>`);
    }
    return { header: part.slice(0, colon), path: parseRelaxedPath(part.slice(colon + 1)) };
  });
  return columnsPrinter(columns, hasHeaders);
}

/** Columns from a file of two lines: headers, then paths. */
export function customColumnsFilePrinter(path: string, hasHeaders: boolean): ObjectPrinter {
  const [headers = '', paths = ''] = readFileSync(path, 'utf8').split('\n');
  const names = headers.trim().split(/\s+/);
  const expressions = paths.trim().split(/\s+/);
  if (names.length !== expressions.length) {
    throw new CliError(
      `number of headers (${names.length}) and field specifications (${expressions.length}) don't match`,
    );
  }
  const columns = names.map((header, index) => ({
    header,
    path: parseRelaxedPath(expressions[index] ?? ''),
  }));
  return columnsPrinter(columns, hasHeaders);
}

function columnsPrinter(columns: readonly Column[], hasHeaders: boolean): ObjectPrinter {
  const writer = new TabWriter(TABLE_LAYOUT);
  let isFirst = true;
  return (objects) => {
    if (isFirst && hasHeaders) {
      writer.write(`${columns.map(({ header }) => header).join('\t')}\n`);
    }
    isFirst = false;
    for (const object of objects) {
      const cells = columns.map(({ path }) => {
        const values = valuesAtPath(path, object, { allowsMissing: true });
        return values.length === 0 ? '<none>' : values.map(columnText).join(',');
      });
      writer.write(`${cells.join('\t')}\n`);
    }
    return writer.flush();
  };
}

/** Lists and maps stand as Go prints them: `map[app:web]`, `[a b]`. */
function columnText(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(columnText).join(' ')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
    return `map[${entries.map(([key, item]) => `${key}:${columnText(item)}`).join(' ')}]`;
  }
  return value === null ? '<nil>' : jsonPathText(value);
}
