// Writes src/api/types from src/api/tables. `node tools/generate-types.ts` after a table changed; a test holds
// the two together.
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { RawField, RawType } from '../src/api/schema/raw-table.ts';

const ROOT = join(import.meta.dirname, '..');
const TABLES = join(ROOT, 'src/api/tables');
const TYPES = join(ROOT, 'src/api/types');

const SCALARS: Readonly<Record<string, string>> = {
  string: 'string',
  bool: 'boolean',
  int32: 'number',
  int64: 'number',
  float64: 'number',
  bytes: 'string',
  time: 'string',
  microTime: 'string',
  duration: 'string',
  quantity: 'string',
  intOrString: 'number | string',
  rawExtension: '{ readonly [key: string]: unknown }',
  fieldsV1: '{ readonly [key: string]: unknown }',
  json: 'unknown',
};

const HEADER =
  '// Generated from src/api/tables by tools/generate-types.ts; change the table, then run it.\n';

/** ObjectMeta fields the server fills on every stored object, so that readers need not ask. */
const ALWAYS_IN_META = new Set(['name', 'uid', 'resourceVersion', 'creationTimestamp']);

type Table = Readonly<Record<string, RawType>>;

interface RawResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** File contents by path below src/api. */
export function generate(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  const names = globSync('*.v*.json', { cwd: TABLES }).concat('version.json').toSorted();
  const tables = new Map(names.map((name) => [basename(name, '.json'), readTable(name)] as const));
  const resources = JSON.parse(readFileSync(join(TABLES, 'resources.json'), 'utf8')) as RawResource[];
  const clusterScoped = new Set(
    resources
      .filter(({ namespaced }) => !namespaced)
      .map(({ group, version, kind }) => `${tableOf(group, version)}.${kind}`),
  );
  for (const [gv, table] of tables) {
    files.set(`types/${gv}.ts`, typesOf({ gv, table, tables, clusterScoped }));
  }
  files.set('types/resources.ts', resourceTypes(resources));
  return files;
}

/** `rbac.authorization.k8s.io` and `v1` are in the table `rbac.v1`. */
function tableOf(group: string, version: string): string {
  const short = group === '' ? 'core' : (group.split('.')[0] ?? '');
  return `${short === 'internal' ? 'apiserverinternal' : short}.${version}`;
}

function readTable(name: string): Table {
  return JSON.parse(readFileSync(join(TABLES, name), 'utf8')) as Table;
}

interface Context {
  readonly gv: string;
  readonly table: Table;
  readonly tables: ReadonlyMap<string, Table>;
  readonly clusterScoped: ReadonlySet<string>;
}

function typesOf(context: Context): string {
  const imports = new Set<string>();
  const body = Object.entries(context.table)
    .map(([name, type]) => declaration(context, name, type, imports))
    .join('\n');
  const importLines = [...imports]
    .toSorted()
    .map((gv) => `import type * as ${identifier(gv)} from './${gv}.ts';\n`);
  return `${HEADER}${importLines.join('')}\n${body}`;
}

function declaration(context: Context, name: string, type: RawType, imports: Set<string>): string {
  if (type.alias !== undefined) {
    const isClosed = type.enum === true && type.values !== undefined && type.alias === 'string';
    const target = isClosed
      ? (type.values ?? []).map((value) => `'${value}'`).join(' | ')
      : typeText(context, type.alias, imports);
    return `export type ${name} = ${target};\n`;
  }
  if (context.gv === 'meta.v1' && name === 'ObjectMeta') {
    return objectMeta(context, type, imports);
  }
  const lines = fieldsOf(context, type).map((field) => fieldLine(context, name, field, imports));
  if (type.kind === true) {
    const hasMeta = (type.fields ?? []).some((field) => field.name === 'metadata');
    lines.unshift(...kindLines(context.gv, name, hasMeta));
  }
  return lines.length === 0
    ? `export type ${name} = Readonly<Record<string, never>>;\n`
    : `export interface ${name} {\n${lines.join('')}}\n`;
}

function objectMeta(context: Context, type: RawType, imports: Set<string>): string {
  const line = (field: RawField): string => {
    const isAlways = ALWAYS_IN_META.has(field.name ?? '');
    return `  readonly ${field.name}${isAlways ? '' : '?'}: ${typeText(context, field.type ?? 'json', imports)};\n`;
  };
  return (
    `/** Metadata of an object as the server stores it. */\nexport interface ObjectMeta {\n${(type.fields ?? []).map(line).join('')}}\n` +
    `/** Metadata of a stored object that lives in a namespace. */\nexport interface NamespacedObjectMeta extends ObjectMeta {\n  readonly namespace: string;\n}\n`
  );
}

function kindLines(gv: string, name: string, hasMeta: boolean): string[] {
  const [group = '', version = ''] = gv.split('.');
  const known = GROUP_NAMES[group] ?? group;
  const apiVersion = known === '' ? version : `${known}/${version}`;
  const mark = hasMeta ? '' : '?';
  return [`  readonly apiVersion${mark}: '${apiVersion}';\n`, `  readonly kind${mark}: '${name}';\n`];
}

const GROUP_NAMES: Readonly<Record<string, string>> = {
  core: '',
  meta: '',
  admission: 'admission.k8s.io',
  admissionregistration: 'admissionregistration.k8s.io',
  apidiscovery: 'apidiscovery.k8s.io',
  apiextensions: 'apiextensions.k8s.io',
  apiregistration: 'apiregistration.k8s.io',
  apiserverinternal: 'internal.apiserver.k8s.io',
  authentication: 'authentication.k8s.io',
  authorization: 'authorization.k8s.io',
  certificates: 'certificates.k8s.io',
  coordination: 'coordination.k8s.io',
  discovery: 'discovery.k8s.io',
  events: 'events.k8s.io',
  flowcontrol: 'flowcontrol.apiserver.k8s.io',
  metrics: 'metrics.k8s.io',
  networking: 'networking.k8s.io',
  node: 'node.k8s.io',
  rbac: 'rbac.authorization.k8s.io',
  resource: 'resource.k8s.io',
  scheduling: 'scheduling.k8s.io',
  storage: 'storage.k8s.io',
  storagemigration: 'storagemigration.k8s.io',
};

/** The fields with inlined types spread out, as they stand in JSON. */
function fieldsOf(context: Context, type: RawType): readonly RawField[] {
  return (type.fields ?? []).flatMap((field) => {
    if (field.inline === undefined) {
      return [field];
    }
    const target = lookUp(context, field.inline);
    return target === undefined ? [] : fieldsOf(context, target);
  });
}

function lookUp(context: Context, reference: string): RawType | undefined {
  const [group = '', version = '', name = ''] = reference.split('.');
  return context.tables.get(`${group}.${version}`)?.[name];
}

function fieldLine(context: Context, owner: string, field: RawField, imports: Set<string>): string {
  const type = field.type ?? 'json';
  const isCollection = type.startsWith('[]') || type.startsWith('{}');
  const target = lookUp(context, type);
  const isStruct = target !== undefined && target.alias === undefined;
  const isList = isCollection || isAliasOfCollection(context, type);
  // A struct that is not a pointer, and a scalar without omitempty, are always written.
  const isThere =
    field.pointer !== true && (isStruct || (field.keepEmpty === true && !isList) || field.required === true);
  let text = typeText(context, type, imports);
  if (field.name === 'metadata' && type === 'meta.v1.ObjectMeta') {
    text = metaText(context, owner);
    if (context.gv !== 'meta.v1') {
      imports.add('meta.v1');
    }
  }
  if (field.keepEmpty === true && isList && field.required !== true) {
    text += ' | null';
  }
  const name = /^[A-Za-z_]\w*$/.test(field.name ?? '') ? field.name : `'${field.name}'`;
  return `  readonly ${name}${isThere ? '' : '?'}: ${text};\n`;
}

/** Templates carry metadata that no server fills in. */
function metaText(context: Context, owner: string): string {
  const prefix = context.gv === 'meta.v1' ? '' : 'metaV1.';
  if (owner.endsWith('TemplateSpec') || owner.endsWith('ClaimTemplate')) {
    return `Partial<${prefix}ObjectMeta>`;
  }
  const isCluster = context.clusterScoped.has(`${context.gv}.${owner}`) || context.gv === 'meta.v1';
  return `${prefix}${isCluster ? 'ObjectMeta' : 'NamespacedObjectMeta'}`;
}

function isAliasOfCollection(context: Context, type: string): boolean {
  const alias = lookUp(context, type)?.alias;
  return alias !== undefined && (alias.startsWith('[]') || alias.startsWith('{}'));
}

function typeText(context: Context, type: string, imports: Set<string>): string {
  if (type.startsWith('[]')) {
    const item = typeText(context, type.slice(2), imports);
    return `readonly ${/^[\w.]+$/.test(item) ? item : `(${item})`}[]`;
  }
  if (type.startsWith('{}')) {
    return `{ readonly [key: string]: ${typeText(context, type.slice(2), imports)} }`;
  }
  const scalar = SCALARS[type];
  if (scalar !== undefined) {
    return scalar;
  }
  const [group = '', version = '', name = ''] = type.split('.');
  const gv = `${group}.${version}`;
  if (gv === context.gv) {
    return name;
  }
  imports.add(gv);
  return `${identifier(gv)}.${name}`;
}

function identifier(gv: string): string {
  return gv.replaceAll(/[.-](\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** A typed handle per served resource: `POD`, `DEPLOYMENT`, …; older versions carry theirs in the name. */
function resourceTypes(resources: readonly RawResource[]): string {
  const imports = new Set<string>();
  const seen = new Set<string>();
  const lines: string[] = [];
  for (const { group, version, resource, kind, namespaced } of resources) {
    const gv = tableOf(group, version);
    imports.add(gv);
    const constant = kind
      .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
      .replace(/^CSI([A-Z])/, 'CSI_$1')
      .toUpperCase();
    const isEvents = group === 'events.k8s.io';
    const base = isEvents ? 'EVENTS_EVENT' : constant;
    const name = seen.has(base) ? `${base}_${version.toUpperCase()}` : base;
    seen.add(base);
    lines.push(
      `export const ${name}: ResourceType<${identifier(gv)}.${kind}> = { group: '${group}', version: '${version}', resource: '${resource}', kind: '${kind}', isNamespaced: ${namespaced} };\n`,
    );
  }
  const importLines = [...imports]
    .toSorted()
    .map((gv) => `import type * as ${identifier(gv)} from './${gv}.ts';\n`);
  return `${HEADER}${importLines.join('')}import type { ResourceType } from '../resource-type.ts';\n\n${lines.join('')}`;
}

if (import.meta.main) {
  mkdirSync(TYPES, { recursive: true });
  for (const [path, text] of generate()) {
    writeFileSync(join(ROOT, 'src/api', path), text);
  }
}
