import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, relative } from 'node:path';
import { decodeYaml, encodeYaml } from '#codec/yaml.ts';
import { isRecord, type JsonRecord } from '#codec/own-property.ts';
import { PATH_FIELDS } from './kubeconfig-files.ts';
import { KubeconfigError } from './kubeconfig.ts';

/** The lists of a kubeconfig, and the field that holds what an entry is about. */
const INNER = { clusters: 'cluster', contexts: 'context', users: 'user' } as const;

/** Fields that are written even when they are empty. */
const ALWAYS: Readonly<Record<KubeconfigList, JsonRecord>> = {
  clusters: { server: '' },
  contexts: { cluster: '', user: '' },
  users: {},
};

export type KubeconfigList = keyof typeof INNER;

/** Changes one or more kubeconfig files in place: an entry where it is, a new one in the file that is written by default. */
export class KubeconfigEditor {
  readonly #paths: readonly string[];

  /** @param paths in the order in which they count */
  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  /** Where new entries go: the first file that exists, or the last one named. */
  get defaultPath(): string {
    return this.#paths.find((path) => existsSync(path)) ?? this.#paths.at(-1) ?? '';
  }

  /** What an entry says, empty when there is none. */
  entry(list: KubeconfigList, name: string): JsonRecord | undefined {
    for (const path of this.#paths) {
      const found = entriesOf(readFile(path), list).find((each) => each['name'] === name);
      if (found !== undefined) {
        const inner = found[INNER[list]];
        return isRecord(inner) ? inner : {};
      }
    }
    return undefined;
  }

  /** Writes an entry, or removes it when it is undefined. */
  setEntry(list: KubeconfigList, name: string, inner: JsonRecord | undefined): void {
    const path = this.#paths.find((each) => hasEntry(each, list, name)) ?? this.defaultPath;
    const document = readFile(path);
    const others = entriesOf(document, list).filter((each) => each['name'] !== name);
    const entries =
      inner === undefined
        ? others
        : [...others, { [INNER[list]]: { ...ALWAYS[list], ...withShortPaths(inner, dirname(path)) }, name }];
    writeFile(path, {
      ...document,
      [list]: entries.toSorted((left, right) => compare(left['name'], right['name'])),
    });
  }

  setCurrentContext(name: string): void {
    const path =
      this.#paths.find((each) => {
        const current = readFile(each)['current-context'];
        return typeof current === 'string' && current !== '';
      }) ?? this.defaultPath;
    writeFile(path, { ...readFile(path), 'current-context': name });
  }
}

/** Files beside the kubeconfig or below are named from there, so that the directory can be moved. */
function withShortPaths(inner: JsonRecord, directory: string): JsonRecord {
  const short = PATH_FIELDS.flatMap((field) => {
    const path = inner[field];
    const near = typeof path === 'string' && isAbsolute(path) ? relative(directory, path) : '';
    return near === '' || near.startsWith('..') ? [] : [[field, near] as const];
  });
  return { ...inner, ...Object.fromEntries(short) };
}

function compare(left: unknown, right: unknown): number {
  return String(left) < String(right) ? -1 : 1;
}

function hasEntry(path: string, list: KubeconfigList, name: string): boolean {
  return entriesOf(readFile(path), list).some((each) => each['name'] === name);
}

function entriesOf(document: JsonRecord, list: KubeconfigList): readonly JsonRecord[] {
  const entries = document[list];
  return Array.isArray(entries) ? entries.filter(isRecord) : [];
}

function readFile(path: string): JsonRecord {
  if (!existsSync(path)) {
    return {};
  }
  const document = decodeYaml(readFileSync(path, 'utf8'));
  if (document !== null && !isRecord(document)) {
    throw new KubeconfigError(`error loading config file "${path}": it is not a mapping`);
  }
  return document ?? {};
}

/** A reader never sees a half-written file. */
function writeFile(path: string, { preferences: _unused, ...document }: JsonRecord): void {
  mkdirSync(dirname(path), { recursive: true });
  const whole = {
    apiVersion: 'v1',
    clusters: null,
    contexts: null,
    'current-context': '',
    kind: 'Config',
    users: null,
    ...document,
  };
  const beside = `${path}.${process.pid}.tmp`;
  writeFileSync(beside, encodeYaml(whole), { mode: 0o600 });
  renameSync(beside, path);
}
