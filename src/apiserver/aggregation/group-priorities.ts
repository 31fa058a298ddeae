/** Where a group stands in discovery: high numbers first. */
export interface ApiPriority {
  readonly group: number;
  /** Within the group; equal ones are ordered by name. */
  readonly version: number;
}

/** What custom resources get: after everything built in, and ordered by the names of their versions. */
export const CUSTOM_PRIORITY: ApiPriority = { group: 1000, version: 100 };

const STABLE = 15;

/** Upstream's priorities of the built-in groups. */
const GROUPS: Readonly<Record<string, number>> = {
  '': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'apiextensions.k8s.io': 16_700,
  'admissionregistration.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'resource.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
  'internal.apiserver.k8s.io': 16_000,
  'storagemigration.k8s.io': 15_800,
};

/** Versions that do not stand where their stability puts them. */
const VERSIONS: Readonly<Record<string, number>> = {
  '/v1': 1,
  'autoscaling/v2': 30,
  'coordination.k8s.io/v1beta1': 13,
  'coordination.k8s.io/v1alpha2': 12,
  'resource.k8s.io/v1': 20,
  'resource.k8s.io/v1beta2': 15,
  'resource.k8s.io/v1alpha3': 1,
  'admissionregistration.k8s.io/v1beta1': 12,
  'storage.k8s.io/v1alpha1': 1,
  'networking.k8s.io/v1alpha1': 1,
  'certificates.k8s.io/v1alpha1': 1,
  'flowcontrol.apiserver.k8s.io/v1': 21,
};
const UNSTABLE = 9;

/** Undefined for groups that are not built in, and for the one that describes groups themselves. */
export function builtInPriority(group: string, version: string): ApiPriority | undefined {
  const priority = Object.hasOwn(GROUPS, group) ? GROUPS[group] : undefined;
  return priority === undefined
    ? undefined
    : {
        group: priority,
        version: VERSIONS[`${group}/${version}`] ?? (/alpha|beta/.test(version) ? UNSTABLE : STABLE),
      };
}
