import { readFileSync } from 'node:fs';
import { parseDurationMs } from '#api/time.ts';
import type { ExtenderOptions, ExtenderTls, ManagedResource } from '../extenders/extender-options.ts';
import type { ValueReader } from './value-reader.ts';

const VERBS = ['filterVerb', 'prioritizeVerb', 'bindVerb', 'preemptVerb'] as const;
const SWITCHES = ['nodeCacheCapable', 'ignorable'] as const;
const OTHERS = ['urlPrefix', 'weight', 'httpTimeout', 'managedResources', 'enableHTTPS', 'tlsConfig'];
const TLS_FIELDS = [
  'insecure',
  'serverName',
  'certFile',
  'keyFile',
  'caFile',
  'certData',
  'keyData',
  'caData',
];

/** Reads the `extenders` of a configuration, and the files of certificates that they name. */
export function readExtenders(reader: ValueReader, value: unknown, path: string): readonly ExtenderOptions[] {
  const extenders = reader.list(value, path, (item, itemPath) => readExtender(reader, item, itemPath));
  if (extenders.filter(({ bindVerb }) => bindVerb !== undefined).length > 1) {
    reader.report(path, 'only one extender can implement bind');
  }
  const managed = extenders.flatMap(({ managedResources = [] }) => managedResources.map(({ name }) => name));
  const twice = managed.find((name, index) => managed.indexOf(name) < index);
  if (twice !== undefined) {
    reader.report(path, `duplicate extender managed resource name ${twice}`);
  }
  return extenders;
}

function readExtender(reader: ValueReader, value: unknown, path: string): ExtenderOptions {
  const fields = reader.object(value, path, [...VERBS, ...SWITCHES, ...OTHERS]);
  const urlPrefix = reader.text(fields['urlPrefix'], `${path}.urlPrefix`);
  if (urlPrefix !== '' && !/^https?:\/\//.test(urlPrefix)) {
    reader.report(`${path}.urlPrefix`, 'must be a URL of HTTP or HTTPS');
  }
  const verbs = VERBS.flatMap((verb): [string, string][] => {
    const name = fields[verb];
    return name === undefined || name === '' ? [] : [[verb, reader.text(name, `${path}.${verb}`)]];
  });
  const switches = SWITCHES.flatMap((name): [string, boolean][] =>
    fields[name] === true ? [[name, true]] : [],
  );
  const weight = reader.integer(fields['weight'], `${path}.weight`, { min: 0 }) ?? 0;
  if (weight === 0 && verbs.some(([verb]) => verb === 'prioritizeVerb')) {
    reader.report(`${path}.weight`, 'must have a positive weight applied to it');
  }
  const timeoutMs = readTimeout(reader, fields['httpTimeout'], `${path}.httpTimeout`);
  const managedResources = reader.list(
    fields['managedResources'],
    `${path}.managedResources`,
    (item, itemPath) => readManaged(reader, item, itemPath),
  );
  const tls = readTls(reader, fields['tlsConfig'], `${path}.tlsConfig`);
  return {
    urlPrefix,
    ...Object.fromEntries([...verbs, ...switches]),
    ...(weight === 0 ? {} : { weight }),
    ...(timeoutMs === undefined ? {} : { httpTimeoutMs: timeoutMs }),
    ...(managedResources.length === 0 ? {} : { managedResources }),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
  };
}

function readManaged(reader: ValueReader, value: unknown, path: string): ManagedResource {
  const fields = reader.object(value, path, ['name', 'ignoredByScheduler']);
  const name = reader.text(fields['name'], `${path}.name`);
  const [, domain = ''] = /^([^/]+)\/.+$/.exec(name) ?? [];
  if (domain === '' || domain.endsWith('kubernetes.io') || name.startsWith('requests.')) {
    reader.report(`${path}.name`, `${name} is an invalid extended resource name`);
  }
  return { name, ...(fields['ignoredByScheduler'] === true ? { ignoredByScheduler: true } : {}) };
}

function readTimeout(reader: ValueReader, value: unknown, path: string): number | undefined {
  if (value === undefined || value === null) {
    return undefined;
  }
  const timeoutMs = typeof value === 'string' ? parseDurationMs(value) : undefined;
  if (timeoutMs === undefined || timeoutMs < 0) {
    reader.report(path, 'must be a duration as 5s');
  }
  // Zero stands for the default.
  return timeoutMs === 0 ? undefined : timeoutMs;
}

function readTls(reader: ValueReader, value: unknown, path: string): ExtenderTls {
  const fields = reader.object(value, path, TLS_FIELDS);
  const pem = (name: 'ca' | 'cert' | 'key'): { readonly [K in typeof name]?: string } => {
    const data = fields[`${name}Data`];
    const file = fields[`${name}File`];
    // As everywhere upstream, data goes before a file.
    if (data !== undefined && data !== '') {
      const text = reader.text(data, `${path}.${name}Data`);
      return { [name]: Buffer.from(text, 'base64').toString('utf8') };
    }
    if (file === undefined || file === '') {
      return {};
    }
    const at = `${path}.${name}File`;
    return { [name]: readPem(reader, reader.text(file, at), at) };
  };
  const { serverName } = fields;
  return {
    ...pem('ca'),
    ...pem('cert'),
    ...pem('key'),
    ...(serverName === undefined || serverName === ''
      ? {}
      : { serverName: reader.text(serverName, `${path}.serverName`) }),
    ...(fields['insecure'] === true ? { isInsecure: true } : {}),
  };
}

function readPem(reader: ValueReader, file: string, path: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    reader.report(path, `${file} cannot be read`);
    return '';
  }
}
