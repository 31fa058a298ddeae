import type { AdmissionPlugin } from '../admission.ts';
import type { AdmissionDeps } from '../default-plugins.ts';
import { AlwaysAdmit, AlwaysDeny } from './always.ts';
import { AlwaysPullImages } from './always-pull-images.ts';
import { DenyServiceExternalIPs } from './deny-service-external-ips.ts';
import { ExtendedResourceToleration } from './extended-resource-toleration.ts';
import { LimitPodHardAntiAffinityTopology } from './limit-anti-affinity.ts';
import { NamespaceExists } from './namespace-exists.ts';
import { OwnerReferencesPermissionEnforcement } from './owner-references-permission.ts';
import { PodNodeSelector } from './pod-node-selector.ts';
import { PodTolerationRestriction } from './pod-toleration-restriction.ts';

/** The plugins that are on only where a cluster is told so. */
export function optionalPlugins({
  reader,
  authorizer,
  kinds,
}: Pick<AdmissionDeps, 'reader' | 'authorizer' | 'kinds'>): readonly AdmissionPlugin[] {
  return [
    new AlwaysAdmit(),
    new NamespaceExists(reader),
    new LimitPodHardAntiAffinityTopology(),
    new AlwaysPullImages(),
    new PodNodeSelector(reader),
    new PodTolerationRestriction(reader),
    new ExtendedResourceToleration(),
    new OwnerReferencesPermissionEnforcement({ authorizer, kinds }),
    new DenyServiceExternalIPs(),
    new AlwaysDeny(),
  ];
}
