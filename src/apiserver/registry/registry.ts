import { RESOURCES, isServedByDefault, type ResourceInfo } from '#api/resource-table.ts';
import type { GroupVersionResource } from '#api/resource-type.ts';
import type { Clock } from '#base/clock.ts';
import type { ServiceResolver } from '../admission/webhooks/service-resolver.ts';
import { CustomResources } from '../crd/custom-resources.ts';
import { definitionStrategy } from '../crd/definition-strategy.ts';
import { defaultStrategy } from './default-strategy.ts';
import { admissionConfigurationStrategy, hasExpressions } from './kinds/admission-configurations.ts';
import { apiServiceStrategy } from './kinds/api-services.ts';
import { signingRequestStrategy } from './kinds/certificate-signing-requests.ts';
import { eventStrategy } from './kinds/events.ts';
import { jobStrategy } from './kinds/jobs.ts';
import { namespaceStrategy } from './kinds/namespaces.ts';
import { podStrategy } from './kinds/pods.ts';
import { secretStrategy } from './kinds/secrets.ts';
import { selectableFieldsOf } from './kinds/selectable-fields.ts';
import {
  endpointSliceStrategy,
  priorityClassStrategy,
  resourceClaimStrategy,
  resourceSliceStrategy,
  serviceAccountStrategy,
} from './kinds/small-kinds.ts';
import { serviceStrategy, type ServiceAllocators } from './kinds/services.ts';
import { claimStrategy, persistentVolumeStrategy } from './kinds/volumes.ts';
import { daemonSetStrategy, deploymentStrategy } from './kinds/workloads.ts';
import { Mirrors } from './mirror.ts';
import { ResourceStorage, type StorageDeps } from './resource-storage.ts';
import type { Strategy } from './strategy.ts';

/** Resources that the server's own parts read synchronously. */
const MIRRORED: ReadonlySet<string> = new Set([
  'namespaces',
  'nodes',
  'pods',
  'services',
  'secrets',
  'serviceaccounts',
  'limitranges',
  'resourcequotas',
  'persistentvolumeclaims',
  'persistentvolumes',
  'roles.rbac.authorization.k8s.io',
  'rolebindings.rbac.authorization.k8s.io',
  'clusterroles.rbac.authorization.k8s.io',
  'clusterrolebindings.rbac.authorization.k8s.io',
  'priorityclasses.scheduling.k8s.io',
  'storageclasses.storage.k8s.io',
  'csinodes.storage.k8s.io',
  'volumeattachments.storage.k8s.io',
  'runtimeclasses.node.k8s.io',
  'ingressclasses.networking.k8s.io',
  'certificatesigningrequests.certificates.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
  'mutatingadmissionpolicies.admissionregistration.k8s.io',
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io',
  'validatingadmissionpolicies.admissionregistration.k8s.io',
  'validatingadmissionpolicybindings.admissionregistration.k8s.io',
  'customresourcedefinitions.apiextensions.k8s.io',
  'apiservices.apiregistration.k8s.io',
  'flowschemas.flowcontrol.apiserver.k8s.io',
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io',
]);

/** Resources that answer a request and store nothing: reviews, tokens, bindings. Their handlers stand elsewhere. */
export function isVirtual({ verbs }: ResourceInfo): boolean {
  return verbs.length === 1 && verbs[0] === 'create';
}

export interface RegistryOptions {
  readonly allocators: ServiceAllocators;
  /** Finds conversion webhooks that are Services; by their cluster addresses when left out. */
  readonly services?: ServiceResolver | undefined;
}

/** Every served resource's storage, by group, version and plural. */
export class Registry {
  readonly mirrors = new Mirrors();
  /** What CustomResourceDefinitions define. */
  readonly custom: CustomResources;
  readonly #storages = new Map<string, ResourceStorage>();

  constructor(deps: StorageDeps, options: RegistryOptions) {
    for (const info of RESOURCES) {
      if (isServed(info)) {
        const storage = new ResourceStorage(deps, strategyOf(info, options, deps.clock));
        this.#storages.set(keyOf(info), storage);
        if (MIRRORED.has(qualified(info))) {
          this.mirrors.add(storage);
        }
      }
    }
    this.custom = new CustomResources(deps, this.mirrors, options.services);
  }

  storage(resource: GroupVersionResource): ResourceStorage | undefined {
    return this.#storages.get(keyOf(resource)) ?? this.custom.find(resource)?.storage;
  }

  all(): Iterable<ResourceStorage> {
    return this.#storages.values();
  }
}

/** Core events and HPA v2 are what is stored; their other versions are answered by conversion. */
const CONVERTED: ReadonlySet<string> = new Set([
  'events.k8s.io/v1/events',
  'autoscaling/v1/horizontalpodautoscalers',
]);

/** Status of components that no longer report; kept empty by all servers. */
const NOT_STORED: ReadonlySet<string> = new Set(['/v1/componentstatuses']);

export function isServed(info: ResourceInfo): boolean {
  return (
    isServedByDefault(info) && !isVirtual(info) && !CONVERTED.has(keyOf(info)) && !NOT_STORED.has(keyOf(info))
  );
}

function strategyOf(info: ResourceInfo, { allocators }: RegistryOptions, clock: Clock): Strategy {
  switch (qualified(info)) {
    case 'pods':
      return podStrategy(info);
    case 'namespaces':
      return namespaceStrategy(info);
    case 'services':
      return serviceStrategy(info, allocators);
    case 'jobs.batch':
      return jobStrategy(info);
    case 'secrets':
      return secretStrategy(info);
    case 'certificatesigningrequests.certificates.k8s.io':
      return signingRequestStrategy(info, clock);
    case 'apiservices.apiregistration.k8s.io':
      return apiServiceStrategy(info);
    case 'nodes':
      // A kubelet registers its node with the status it has.
      return { ...withFields(info), prepareCreate: (object) => object };
    case 'persistentvolumes':
      return persistentVolumeStrategy(info, clock);
    case 'persistentvolumeclaims':
      return claimStrategy(info);
    case 'deployments.apps':
      return deploymentStrategy(info);
    case 'daemonsets.apps':
      return daemonSetStrategy(info);
    case 'serviceaccounts':
      return serviceAccountStrategy(info);
    case 'endpointslices.discovery.k8s.io':
      return endpointSliceStrategy(info);
    case 'priorityclasses.scheduling.k8s.io':
      return priorityClassStrategy(info);
    case 'resourceclaims.resource.k8s.io':
      return resourceClaimStrategy(info);
    case 'resourceslices.resource.k8s.io':
      return resourceSliceStrategy(info, clock);
    case 'customresourcedefinitions.apiextensions.k8s.io':
      return definitionStrategy(info);
    case 'events':
      return eventStrategy(info);
    default:
      return hasExpressions(info) ? admissionConfigurationStrategy(info) : withFields(info);
  }
}

function withFields(info: ResourceInfo): Strategy {
  return { ...defaultStrategy(info), selectableFields: selectableFieldsOf(qualified(info)) };
}

function qualified({ group, resource }: GroupVersionResource): string {
  return group === '' ? resource : `${resource}.${group}`;
}

function keyOf({ group, version, resource }: GroupVersionResource): string {
  return `${group}/${version}/${resource}`;
}
