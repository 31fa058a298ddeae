import { kubeconfigPaths, type MergedKubeconfig, mergeKubeconfigFiles } from '#client/kubeconfig-files.ts';
import { kubeconfigTarget } from '#client/kubeconfig.ts';
import { parseDurationMs } from '#api/time.ts';
import { readFileSync } from 'node:fs';
import { CliError } from './cli-error.ts';
import type { KubectlIo } from './command.ts';
import { type ApiResource, discover } from './discovery.ts';
import type { FlagValues } from './flags.ts';
import { type JsonRecord, isRecord } from '#codec/own-property.ts';
import { recordAt, textAt } from './object-access.ts';
import { ResourceMapper } from './resource-mapper.ts';
import { RestClient, type RestTarget } from './rest-client.ts';

/** What `kubectl` speaks to when nothing says where the cluster is. */
const SERVER_DEFAULT = 'http://localhost:8080';

/** One run's view of the cluster: whom to ask, as whom, in which namespace. Everything is read on first use. */
export class Session implements AsyncDisposable {
  readonly io: KubectlIo;
  readonly #flags: FlagValues;
  #config: MergedKubeconfig | undefined;
  #client: RestClient | undefined;
  #mapper: Promise<ResourceMapper> | undefined;
  readonly #warned = new Set<string>();

  constructor(io: KubectlIo, flags: FlagValues) {
    this.io = io;
    this.#flags = flags;
  }

  get signal(): AbortSignal {
    return this.io.signal ?? new AbortController().signal;
  }

  /** The kubeconfig files, in the order in which they count; they need not exist. */
  get kubeconfigPaths(): readonly string[] {
    return kubeconfigPaths(this.#flags.text('kubeconfig'), this.io.env);
  }

  get kubeconfig(): MergedKubeconfig {
    if (this.#config === undefined) {
      const explicit = this.#flags.text('kubeconfig');
      const merged = mergeKubeconfigFiles(this.kubeconfigPaths);
      if (explicit !== '' && !merged.isFound) {
        throw new CliError(`stat ${explicit}: no such file or directory`);
      }
      this.#config = merged;
    }
    return this.#config;
  }

  /** The context in force, empty without one. */
  get contextName(): string {
    return this.#flags.text('context') || textAt(this.kubeconfig.document, 'current-context');
  }

  /** `--namespace`, else the context's, else `default`. */
  get namespace(): string {
    return this.#flags.text('namespace') || textAt(this.#context(), 'namespace') || 'default';
  }

  /** Whether the namespace was given on the command line. */
  get isNamespaceGiven(): boolean {
    return this.#flags.text('namespace') !== '';
  }

  get client(): RestClient {
    this.#client ??= new RestClient(this.#target(), this.io.clock, (text) => this.warn(text));
    return this.#client;
  }

  mapper(): Promise<ResourceMapper> {
    this.#mapper ??= discover(this.client).then((resources) => new ResourceMapper(resources));
    return this.#mapper;
  }

  async resource(name: string): Promise<ApiResource> {
    return (await this.mapper()).resource(name);
  }

  print(text: string): void {
    this.io.stdout.write(text);
  }

  printError(text: string): void {
    this.io.stderr.write(text);
  }

  /** Each warning is printed once. */
  warn(text: string): void {
    if (!this.#warned.has(text)) {
      this.#warned.add(text);
      this.printError(`Warning: ${text}\n`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client?.close();
  }

  #context(): JsonRecord {
    const contexts = this.kubeconfig.document['contexts'];
    const found: unknown = Array.isArray(contexts)
      ? contexts.find((each: unknown) => isRecord(each) && each['name'] === this.contextName)
      : undefined;
    return recordAt(found, 'context');
  }

  #target(): RestTarget {
    const flags = this.#flags;
    const given = {
      ...optional('token', flags.text('token')),
      ...optional('username', flags.text('username')),
      ...optional('password', flags.text('password')),
      ...optional('serverName', flags.text('tls-server-name')),
      ...optional('ca', fileText(flags.text('certificate-authority'))),
      ...optional('cert', fileText(flags.text('client-certificate'))),
      ...optional('key', fileText(flags.text('client-key'))),
      ...(flags.bool('insecure-skip-tls-verify') ? { isInsecure: true } : {}),
    };
    const server = flags.text('server');
    return {
      ...this.#configured(),
      ...(server === '' ? {} : { server: server.includes('://') ? server : `http://${server}` }),
      ...given,
      headers: impersonation(flags),
      timeoutMs: timeoutOf(flags.text('request-timeout')),
    };
  }

  /** What the kubeconfig says, with `--cluster` and `--user` in place of the context's. */
  #configured(): Omit<RestTarget, 'headers' | 'timeoutMs'> {
    const { document } = this.kubeconfig;
    const name = this.contextName;
    const [cluster, user] = [this.#flags.text('cluster'), this.#flags.text('user')];
    if (name === '' && cluster === '') {
      return { server: SERVER_DEFAULT };
    }
    const context = {
      ...this.#context(),
      ...optional('cluster', cluster),
      ...optional('user', user),
    };
    if (name !== '' && cluster === '' && textAt(context, 'cluster') === '') {
      if (this.#flags.text('context') !== '') {
        throw new CliError(`context "${name}" does not exist`);
      }
      return { server: SERVER_DEFAULT };
    }
    const contexts = [{ name: 'used', context }];
    return kubeconfigTarget({ ...document, contexts, 'current-context': 'used' }, { directory: '/' });
  }
}

function optional<Name extends string>(name: Name, value: string | undefined): Partial<Record<Name, string>> {
  // A computed key widens to an index signature; the shape is the one that is named.
  return (value === undefined || value === '' ? {} : { [name]: value }) as Partial<Record<Name, string>>;
}

function fileText(path: string): string | undefined {
  return path === '' ? undefined : readFileSync(path, 'utf8');
}

function impersonation(flags: FlagValues): Readonly<Record<string, string>> {
  return {
    ...(flags.text('as') === '' ? {} : { 'impersonate-user': flags.text('as') }),
    ...(flags.text('as-uid') === '' ? {} : { 'impersonate-uid': flags.text('as-uid') }),
    ...(flags.has('as-group') ? { 'impersonate-group': flags.list('as-group').join(',') } : {}),
  };
}

function timeoutOf(text: string): number {
  const timeoutMs = /^\d+$/.test(text) ? Number(text) * 1000 : parseDurationMs(text);
  if (timeoutMs === undefined) {
    throw new CliError(
      `Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding time unit (e.g. 1s | 2m | 3h)`,
    );
  }
  return timeoutMs;
}
