import { isRecord } from '#codec/own-property.ts';
import { sortedEntries, textAt } from '../object-access.ts';
import { jsonPathText } from '../printers/json-path.ts';
import type { DescribeContext } from './describe-context.ts';
import type { DescriptionWriter } from './description-writer.ts';
import { writeEvents } from './events.ts';
import { writeAnnotations, writeLabels } from './format.ts';

const SKIPPED: ReadonlySet<string> = new Set([
  '.metadata.managedFields',
  '.metadata.name',
  '.metadata.namespace',
  '.metadata.labels',
  '.metadata.annotations',
]);

/** Describes a kind that nothing is known about: every field under its name, split into words. */
export async function describeGeneric(context: DescribeContext): Promise<void> {
  const { object, writer } = context;
  writer.field(0, 'Name', object.metadata.name);
  writer.field(0, 'Namespace', textAt(object, 'metadata', 'namespace'));
  writeLabels(writer, 'Labels', object.metadata.labels);
  writeAnnotations(writer, object.metadata.annotations);
  writeContent(writer, 0, object, '');
  await writeEvents(context);
}

function writeContent(writer: DescriptionWriter, depth: number, content: unknown, path: string): void {
  for (const [field, value] of sortedEntries(content)) {
    const inner = `${path}.${field}`;
    if (SKIPPED.has(inner)) {
      continue;
    }
    const label = fieldLabel(field);
    if (isRecord(value)) {
      writer.line(depth, `${label}:`);
      writeContent(writer, depth + 1, value, inner);
    } else if (Array.isArray(value)) {
      writer.line(depth, `${label}:`);
      for (const item of value as readonly unknown[]) {
        if (isRecord(item)) {
          writeContent(writer, depth + 1, item, inner);
        } else {
          writer.line(depth + 1, String(item));
        }
      }
    } else {
      writer.line(depth, `${label}:\t${value === null ? '<nil>' : jsonPathText(value)}`);
    }
  }
}

const ACRONYMS: ReadonlySet<string> = new Set(['API', 'URL', 'UID', 'OSB', 'GUID']);

/** `apiVersion` is `API Version`; names that are no words stay as they are. */
function fieldLabel(field: string): string {
  if (!/^[A-Za-z-]+$/.test(field)) {
    return field;
  }
  const words = field.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|-/g) ?? [field];
  return words
    .map((word) =>
      ACRONYMS.has(word.toUpperCase()) ? word.toUpperCase() : word.charAt(0).toUpperCase() + word.slice(1),
    )
    .join(' ');
}
