import type { Clock } from '#base/clock.ts';
import type { Random } from '#base/random.ts';
import { randomSuffix } from '#api/generate-name.ts';
import type { Pod, ServiceAccount as ServiceAccountObject } from '#api/types/core.v1.ts';
import { SERVICE_ACCOUNT } from '#api/types/resources.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes, AdmissionScope, MutatingPlugin, ValidatingPlugin } from '../admission.ts';
import { forbid } from '../forbid.ts';
import { ephemeralSecretViolation, secretViolation } from './mountable-secrets.ts';
import { withTokenVolume } from './token-volume.ts';

export interface ServiceAccountDeps {
  readonly reader: ObjectReader;
  readonly clock: Clock;
  readonly random: Random;
}

const DEFAULT_NAME = 'default';
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const ENFORCE_ANNOTATION = 'kubernetes.io/enforce-mountable-secrets';

/**
 * A controller makes the default account shortly after its namespace, and a pod made right after the namespace
 * must not fail for it.
 */
const DEFAULT_ACCOUNT_WAIT_MS = 1500;

/** Every pod runs as a service account, and has its token unless it or the account does without. */
export class ServiceAccount implements MutatingPlugin, ValidatingPlugin {
  readonly name = 'ServiceAccount';
  readonly scope: AdmissionScope = {
    operations: ['CREATE', 'UPDATE'],
    resources: ['pods', 'pods/ephemeralcontainers'],
  };
  readonly #deps: ServiceAccountDeps;

  constructor(deps: ServiceAccountDeps) {
    this.#deps = deps;
  }

  admit(attributes: AdmissionAttributes): Pod | Promise<Pod> {
    const pod = attributes.object as Pod;
    if (attributes.operation !== 'CREATE' || isMirror(pod)) {
      return pod;
    }
    const name = pod.spec.serviceAccountName ?? '';
    const account = this.#account(attributes, name === '' ? DEFAULT_NAME : name);
    return account instanceof Promise
      ? account.then((found) => this.#complete(attributes, pod, found))
      : this.#complete(attributes, pod, account);
  }

  validate(attributes: AdmissionAttributes): void {
    const pod = attributes.object as Pod;
    if (attributes.operation === 'UPDATE') {
      if (attributes.subresource === 'ephemeralcontainers') {
        this.#checkSecrets(attributes, ephemeralSecretViolation);
      }
      return;
    }
    if (isMirror(pod)) {
      checkMirror(attributes, pod);
    } else {
      this.#checkSecrets(attributes, secretViolation);
    }
  }

  /** Pods may be held to the secrets that their account lists. */
  #checkSecrets(
    attributes: AdmissionAttributes,
    violationOf: (pod: Pod, account: ServiceAccountObject) => string | undefined,
  ): void {
    const { namespace } = attributes;
    const pod = attributes.object as Pod;
    const name = pod.spec.serviceAccountName ?? '';
    if (name === '') {
      throw forbid(
        attributes,
        `no service account specified for pod ${namespace}/${pod.metadata.name ?? ''}`,
      );
    }
    const account = this.#deps.reader.get(SERVICE_ACCOUNT, namespace, name);
    if (account === undefined) {
      throw unknownAccount(attributes, name);
    }
    const violation = isEnforced(account) ? violationOf(pod, account) : undefined;
    if (violation !== undefined) {
      throw forbid(attributes, violation);
    }
  }

  #complete(attributes: AdmissionAttributes, pod: Pod, account: ServiceAccountObject | undefined): Pod {
    const name = pod.spec.serviceAccountName ?? '';
    const accountName = name === '' ? DEFAULT_NAME : name;
    if (account === undefined) {
      throw unknownAccount(attributes, accountName);
    }
    const pullSecrets = pod.spec.imagePullSecrets ?? [];
    const named: Pod = {
      ...pod,
      spec: {
        ...pod.spec,
        serviceAccountName: accountName,
        serviceAccount: accountName,
        ...(pullSecrets.length === 0 && account.imagePullSecrets !== undefined
          ? { imagePullSecrets: account.imagePullSecrets }
          : {}),
      },
    };
    const isAutomounted =
      pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
    return isAutomounted ? withTokenVolume(named, randomSuffix(this.#deps.random)) : named;
  }

  #account(
    { namespace }: AdmissionAttributes,
    name: string,
  ): ServiceAccountObject | undefined | Promise<ServiceAccountObject | undefined> {
    const found = this.#deps.reader.get(SERVICE_ACCOUNT, namespace, name);
    return found === undefined && name === DEFAULT_NAME ? this.#awaitDefault(namespace) : found;
  }

  #awaitDefault(namespace: string): Promise<ServiceAccountObject | undefined> {
    const { promise, resolve } = Promise.withResolvers<ServiceAccountObject | undefined>();
    const unsubscribe = this.#deps.reader.onChange(SERVICE_ACCOUNT, ({ object }) => {
      if (object?.metadata.name === DEFAULT_NAME && object.metadata.namespace === namespace) {
        resolve(object);
      }
    });
    const timer = this.#deps.clock.schedule(DEFAULT_ACCOUNT_WAIT_MS, () => resolve(undefined));
    return promise.finally(() => {
      unsubscribe();
      timer.cancel();
    });
  }
}

function unknownAccount(attributes: AdmissionAttributes, name: string): Error {
  return forbid(
    attributes,
    `error looking up service account ${attributes.namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`,
  );
}

/** What Go takes for true. */
const TRUE: ReadonlySet<string> = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);

function isEnforced({ metadata }: ServiceAccountObject): boolean {
  return TRUE.has(metadata.annotations?.[ENFORCE_ANNOTATION] ?? '');
}

function isMirror(pod: Pod): boolean {
  return pod.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined;
}

/** A mirror pod shows what a node runs by itself; through it a node must not get at anything. */
function checkMirror(attributes: AdmissionAttributes, pod: Pod): void {
  if ((pod.spec.serviceAccountName ?? '') !== '') {
    throw forbid(attributes, 'a mirror pod may not reference service accounts');
  }
  const volumes = pod.spec.volumes ?? [];
  if (volumes.some(({ secret }) => secret !== undefined)) {
    throw forbid(attributes, 'a mirror pod may not reference secrets');
  }
  const hasToken = volumes.some(({ projected }) =>
    (projected?.sources ?? []).some(({ serviceAccountToken }) => serviceAccountToken !== undefined),
  );
  if (hasToken) {
    throw forbid(attributes, 'a mirror pod may not use ServiceAccountToken volume projections');
  }
}
