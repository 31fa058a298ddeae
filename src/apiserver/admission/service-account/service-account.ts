import type { Clock } from '#base/clock.ts';
import type { Random } from '#base/random.ts';
import { randomSuffix } from '#api/generate-name.ts';
import type { Pod, ServiceAccount as ServiceAccountObject } from '#api/types/core.v1.ts';
import { SERVICE_ACCOUNT } from '#api/types/resources.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { AdmissionAttributes, AdmissionScope, MutatingPlugin, ValidatingPlugin } from '../admission.ts';
import { forbid } from '../forbid.ts';
import { secretViolation } from './mountable-secrets.ts';
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
  readonly scope: AdmissionScope = { operations: ['CREATE'], resources: ['pods'] };
  readonly #deps: ServiceAccountDeps;

  constructor(deps: ServiceAccountDeps) {
    this.#deps = deps;
  }

  admit(attributes: AdmissionAttributes): Pod | Promise<Pod> {
    const pod = attributes.object as Pod;
    if (isMirror(pod)) {
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
    if (isMirror(pod)) {
      checkMirror(attributes, pod);
      return;
    }
    const { namespace } = attributes;
    const account = this.#deps.reader.get(SERVICE_ACCOUNT, namespace, pod.spec.serviceAccountName ?? '');
    if (account?.metadata.annotations?.[ENFORCE_ANNOTATION] === 'true') {
      const violation = secretViolation(pod, account);
      if (violation !== undefined) {
        throw forbid(attributes, violation);
      }
    }
  }

  #complete(attributes: AdmissionAttributes, pod: Pod, account: ServiceAccountObject | undefined): Pod {
    const name = pod.spec.serviceAccountName ?? '';
    const accountName = name === '' ? DEFAULT_NAME : name;
    if (account === undefined) {
      throw forbid(
        attributes,
        `error looking up service account ${attributes.namespace}/${accountName}: serviceaccount ${JSON.stringify(accountName)} not found`,
      );
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
