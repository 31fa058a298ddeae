import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { decodeYamlDocuments, YamlDecodeError } from '#codec/yaml.ts';
import { isRecord } from '#codec/own-property.ts';
import { CliError } from './cli-error.ts';
import type { Flag } from './flags.ts';
import { type AnyObject, asObject, listAt, textAt } from './object-access.ts';
import { goJson } from './printers/go-json.ts';

/** An object from a file, and the file for messages. */
export interface Manifest {
  readonly source: string;
  readonly object: AnyObject;
}

export const FILE_FLAGS: readonly Flag[] = [
  {
    name: 'filename',
    short: 'f',
    kind: 'list',
    about: 'Files, directories or URLs that hold the objects; - is standard input.',
  },
  {
    name: 'kustomize',
    short: 'k',
    kind: 'text',
    about: 'Not supported: run kustomize and pipe its output to -f -.',
  },
  { name: 'recursive', short: 'R', kind: 'bool', about: 'Read the directories in -f recursively.' },
];

const EXTENSIONS: ReadonlySet<string> = new Set(['.json', '.yaml', '.yml']);

export interface ManifestOptions {
  readonly stdin: Readable;
  readonly isRecursive: boolean;
}

/**
 * Every object in the files, in order; the items of lists stand on their own.
 *
 * @throws {CliError} for what cannot be read
 */
export async function readManifests(
  filenames: readonly string[],
  { stdin, isRecursive }: ManifestOptions,
): Promise<readonly Manifest[]> {
  const manifests: Manifest[] = [];
  for (const filename of filenames) {
    if (filename === '-') {
      manifests.push(...manifestsIn(await readStream(stdin), 'STDIN'));
    } else if (/^https?:\/\//.test(filename)) {
      manifests.push(...manifestsIn(await download(filename), filename));
    } else {
      for (const path of filesAt(filename, isRecursive)) {
        manifests.push(...manifestsIn(readFileSync(path, 'utf8'), path));
      }
    }
  }
  return manifests;
}

export async function readStream(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) {
    chunks.push(Buffer.from(chunk as Uint8Array | string));
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function download(url: string): Promise<string> {
  const answer = await fetch(url);
  if (!answer.ok) {
    throw new CliError(
      `unable to read URL ${JSON.stringify(url)}, server reported ${answer.status} ${answer.statusText}, status code=${answer.status}`,
    );
  }
  return answer.text();
}

function filesAt(path: string, isRecursive: boolean): readonly string[] {
  if (!existsSync(path)) {
    throw new CliError(`the path ${JSON.stringify(path)} does not exist`);
  }
  if (!statSync(path).isDirectory()) {
    return [path];
  }
  const entries = readdirSync(path, { withFileTypes: true }).toSorted((left, right) =>
    left.name < right.name ? -1 : 1,
  );
  const files = entries.flatMap((entry) => {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) {
      return isRecursive ? filesAt(inner, true) : [];
    }
    return EXTENSIONS.has(extname(entry.name)) ? [inner] : [];
  });
  if (files.length === 0 && !isRecursive) {
    throw new CliError(`error reading [${path}]: recognized file extensions are [.json .yaml .yml]`);
  }
  return files;
}

/**
 * Every object in a text.
 *
 * @param source names the text in messages
 * @throws {CliError} for what cannot be read
 */
export function manifestsIn(text: string, source: string): readonly Manifest[] {
  let documents: readonly unknown[];
  try {
    documents = decodeYamlDocuments(text);
  } catch (error) {
    if (error instanceof YamlDecodeError) {
      throw new CliError(`error parsing ${source}: ${error.message}`);
    }
    throw error;
  }
  return documents.flatMap((document) => flatten(document, source));
}

function flatten(document: unknown, source: string): readonly Manifest[] {
  if (!isRecord(document)) {
    throw new CliError(
      `error validating ${JSON.stringify(source)}: error validating data: invalid object to validate; if you choose to ignore these errors, turn validation off with --validate=false`,
    );
  }
  const missing = ['apiVersion', 'kind'].filter((field) => textAt(document, field) === '');
  if (missing.includes('kind')) {
    const problems = missing.map((field) => `${field} not set`).join(', ');
    throw new CliError(
      `error validating ${JSON.stringify(source)}: error validating data: ${missing.length > 1 ? `[${problems}]` : problems}; if you choose to ignore these errors, turn validation off with --validate=false`,
    );
  }
  if (missing.length > 0) {
    throw new CliError(
      `unable to decode ${JSON.stringify(source)}: Object 'apiVersion' is missing in '${goJson(document)}'`,
    );
  }
  if (textAt(document, 'kind').endsWith('List') && Array.isArray(document['items'])) {
    return listAt(document, 'items').flatMap((item) => flatten(item, source));
  }
  return [{ source, object: asObject(document) }];
}
