import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConfigFileError, fieldsOf, listOf, textOf, type ConfigFields } from '../config-file.ts';
import { decodeYaml, YamlDecodeError } from '#codec/yaml.ts';

/** Whom to ask, and by what the other side knows us. */
export interface ReviewServer {
  readonly url: URL;
  /** PEM; left out, the authorities that the system trusts. */
  readonly authorityPem: string | undefined;
  readonly isInsecure: boolean;
  readonly serverName: string | undefined;
  readonly certificatePem: string | undefined;
  readonly keyPem: string | undefined;
  readonly token: string | undefined;
}

/**
 * Reads the current context of a file in the form of a kubeconfig. Relative paths in it start at the file.
 *
 * @throws {ConfigFileError} a part is missing or cannot be read
 */
export function readReviewServer(path: string): ReviewServer {
  const document = fieldsOf(decoded(path));
  const name = textOf(document['current-context']);
  const context = entryOf(document, 'contexts', 'context', name);
  const cluster = entryOf(document, 'clusters', 'cluster', textOf(context['cluster']));
  const user = entryOf(document, 'users', 'user', textOf(context['user']));
  const url = URL.parse(textOf(cluster['server']));
  if (url === null) {
    throw new ConfigFileError(`${path}: the current context ${JSON.stringify(name)} leads to no server`);
  }
  const read = (fields: ConfigFields, field: string): string | undefined => pemOf(path, fields, field);
  const tokenFile = textOf(user['tokenFile']);
  const token = tokenFile === '' ? textOf(user['token']) : readText(path, tokenFile).trim();
  const serverName = textOf(cluster['tls-server-name']);
  return {
    url,
    authorityPem: read(cluster, 'certificate-authority'),
    isInsecure: cluster['insecure-skip-tls-verify'] === true,
    serverName: serverName === '' ? undefined : serverName,
    certificatePem: read(user, 'client-certificate'),
    keyPem: read(user, 'client-key'),
    token: token === '' ? undefined : token,
  };
}

function decoded(path: string): unknown {
  try {
    return decodeYaml(readText(path, path));
  } catch (error) {
    if (error instanceof YamlDecodeError) {
      throw new ConfigFileError(`${path}: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

function entryOf(document: ConfigFields, list: string, field: string, name: string): ConfigFields {
  const entry = listOf(document[list])
    .map(fieldsOf)
    .find((each) => each['name'] === name);
  return fieldsOf(entry?.[field]);
}

/** Data in the file itself goes before a path. */
function pemOf(path: string, fields: ConfigFields, field: string): string | undefined {
  const data = textOf(fields[`${field}-data`]);
  const file = textOf(fields[field]);
  if (data !== '') {
    return Buffer.from(data, 'base64').toString();
  }
  return file === '' ? undefined : readText(path, file);
}

function readText(from: string, path: string): string {
  try {
    return readFileSync(resolve(dirname(from), path), 'utf8');
  } catch (error) {
    throw new ConfigFileError(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}
