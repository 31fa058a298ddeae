import { isNotFound } from '#api/status-error.ts';
import { RESOURCES, isServedByDefault } from '#api/resource-table.ts';
import type { APIService } from '#api/types/apiregistration.v1.ts';
import { APISERVICE, CUSTOM_RESOURCE_DEFINITION } from '#api/types/resources.ts';
import type { Clock } from '#base/clock.ts';
import { jsonEqual } from '#base/json-equal.ts';
import type { Logger } from '#base/log.ts';
import type { ObjectReader } from '../object-reader.ts';
import { createObject } from '../registry/create.ts';
import { deleteObject } from '../registry/delete.ts';
import type { ResourceStorage } from '../registry/resource-storage.ts';
import type { DraftObject } from '../registry/strategy.ts';
import { updateObject } from '../registry/update.ts';
import { isAvailable } from './api-service-conditions.ts';
import { DueNames } from '../due-names.ts';
import { builtInPriority, CUSTOM_PRIORITY, type ApiPriority } from './group-priorities.ts';
import { selfContext } from './self-context.ts';

const MANAGED_LABEL = 'kube-aggregator.kubernetes.io/automanaged';
/** Written once after a start, then left to whoever changes it. */
const ON_START = 'onstart';
/** Kept as it should be, and deleted with its last definition. */
const ALWAYS = 'true';

const WORKERS = 5;
const RETRY_MS = 5;
const RETRY_MAX_MS = 1000_000;

export interface AutoRegistrationDeps {
  /** Storage of APIServices. */
  readonly storage: ResourceStorage;
  readonly reader: ObjectReader;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Wanted {
  readonly label: typeof ON_START | typeof ALWAYS;
  readonly spec: APIService['spec'];
}

/** Keeps an APIService for every group and version that this server answers itself. */
export class AutoRegistration {
  readonly #deps: AutoRegistrationDeps;
  readonly #builtIn = builtInServices();
  readonly #names: DueNames;
  readonly #synced = new Set<string>();
  /** APIServices of an earlier start: among these, what is no longer served is removed. */
  #atStart: ReadonlySet<string> = new Set();

  constructor(deps: AutoRegistrationDeps) {
    this.#deps = deps;
    this.#names = new DueNames({
      clock: deps.clock,
      workers: WORKERS,
      retryMs: RETRY_MS,
      retryMaxMs: RETRY_MAX_MS,
      onFailure: (name, error) => deps.log.warn('register an API', { apiService: name, error }),
    });
  }

  /** True once every built-in group and version has an APIService that is available. */
  get isComplete(): boolean {
    return [...this.#builtIn.keys()].every((name) => {
      const service = this.#deps.reader.get(APISERVICE, '', name);
      return this.#synced.has(name) && (service === undefined || isAvailable(service));
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { reader } = this.#deps;
    const known = reader.list(APISERVICE, '').map(({ metadata }) => metadata.name);
    this.#atStart = new Set(known);
    const ends = [
      reader.onChange(APISERVICE, ({ object, previous }) =>
        this.#names.add((object ?? previous)?.metadata.name ?? ''),
      ),
      reader.onChange(CUSTOM_RESOURCE_DEFINITION, ({ object, previous }) => {
        for (const name of [...apisOf(previous), ...apisOf(object)]) {
          this.#names.add(name);
        }
      }),
    ];
    const defined = reader.list(CUSTOM_RESOURCE_DEFINITION, '').flatMap(apisOf);
    new Set([...this.#builtIn.keys(), ...defined, ...known]).forEach((name) => this.#names.add(name));
    try {
      await this.#names.run(signal, (name) => this.#sync(name));
    } finally {
      ends.forEach((end) => end());
    }
  }

  async #sync(name: string): Promise<void> {
    const wanted = this.#wanted(name);
    const current = this.#deps.reader.get(APISERVICE, '', name);
    const wasSynced = this.#synced.has(name);
    await this.#act(name, { wanted, current, wasSynced });
    this.#synced.add(name);
  }

  async #act(
    name: string,
    {
      wanted,
      current,
      wasSynced,
    }: { wanted: Wanted | undefined; current: APIService | undefined; wasSynced: boolean },
  ): Promise<void> {
    if (wanted?.label === ON_START && wasSynced) {
      return;
    }
    if (current === undefined) {
      if (wanted !== undefined) {
        await this.#create(name, wanted);
      }
      return;
    }
    const label = current.metadata.labels?.[MANAGED_LABEL];
    const isManaged = label === ALWAYS || label === ON_START;
    const isLeftAlone = label === ON_START && (wasSynced || !this.#atStart.has(name));
    if (!isManaged || isLeftAlone) {
      return;
    }
    if (wanted === undefined) {
      await this.#delete(name);
    } else if (!jsonEqual(current.spec, wanted.spec)) {
      await this.#update(name, wanted);
    }
  }

  #wanted(name: string): Wanted | undefined {
    const builtIn = this.#builtIn.get(name);
    if (builtIn !== undefined) {
      return builtIn;
    }
    const isDefined = this.#deps.reader
      .list(CUSTOM_RESOURCE_DEFINITION, '')
      .some((definition) => servedApisOf(definition).includes(name));
    return isDefined ? { label: ALWAYS, spec: specOf(name, CUSTOM_PRIORITY) } : undefined;
  }

  async #create(name: string, { label, spec }: Wanted): Promise<void> {
    const metadata = { name, labels: { [MANAGED_LABEL]: label } };
    const object = { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata, spec };
    // What the server stamps is not there yet.
    await createObject(this.#deps.storage, '', object as unknown as DraftObject, selfContext());
  }

  async #update(name: string, { spec }: Wanted): Promise<void> {
    const target = { namespace: '', name, subresource: '' };
    const produce = (live: object): DraftObject => ({ ...(live as DraftObject), spec });
    await updateObject(this.#deps.storage, target, { produce, isPatch: true }, selfContext());
  }

  async #delete(name: string): Promise<void> {
    try {
      await deleteObject(this.#deps.storage, { namespace: '', name, subresource: '' }, {}, selfContext());
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }
}

function builtInServices(): ReadonlyMap<string, Wanted> {
  const services = new Map<string, Wanted>();
  for (const info of RESOURCES) {
    const priority = builtInPriority(info.group, info.version);
    if (isServedByDefault(info) && priority !== undefined) {
      const name = `${info.version}.${info.group}`;
      services.set(name, { label: ON_START, spec: specOf(name, priority) });
    }
  }
  return services;
}

/** The spec as it is stored: the core group's empty name is left out. */
function specOf(
  name: string,
  { group: groupPriorityMinimum, version: versionPriority }: ApiPriority,
): APIService['spec'] {
  const dot = name.indexOf('.');
  const group = name.slice(dot + 1);
  return {
    ...(group === '' ? {} : { group }),
    version: name.slice(0, dot),
    groupPriorityMinimum,
    versionPriority,
  };
}

type Definition = {
  readonly spec: {
    readonly group: string;
    readonly versions: readonly { readonly name: string; readonly served: boolean }[];
  };
};

function apisOf(definition: Definition | undefined): readonly string[] {
  return (definition?.spec.versions ?? []).map(({ name }) => `${name}.${definition?.spec.group ?? ''}`);
}

function servedApisOf({ spec }: Definition): readonly string[] {
  return apisOf({ spec: { ...spec, versions: spec.versions.filter(({ served }) => served) } });
}
