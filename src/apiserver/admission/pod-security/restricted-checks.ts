import type { Volume } from '#api/types/core.v1.ts';
import { chosenSeccomp, procMount } from './baseline-checks.ts';
import {
  containersText,
  hasOwnUsers,
  isWindows,
  namesWhere,
  plural,
  quoted,
  settersText,
  sorted,
  type Check,
  type PodFacts,
  type Violation,
} from './check.ts';

/** From this release on what says nothing to Windows is not asked of its pods. */
const WINDOWS_EXEMPT_SINCE_MINOR = 25;
/** From this release on pods with users of their own may be root inside. */
const OWN_USERS_EXEMPT_SINCE_MINOR = 35;

const ALLOWED_VOLUMES: readonly (keyof Volume)[] = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

function unlessWindows(run: (pod: PodFacts) => Violation | undefined): Check['run'] {
  return (pod, minor) => (minor >= WINDOWS_EXEMPT_SINCE_MINOR && isWindows(pod) ? undefined : run(pod));
}

function unlessOwnUsers(run: (pod: PodFacts) => Violation | undefined): Check['run'] {
  return (pod, minor) => (minor >= OWN_USERS_EXEMPT_SINCE_MINOR && hasOwnUsers(pod) ? undefined : run(pod));
}

/** The checks that the `restricted` level adds, in the order in which they report. */
export const RESTRICTED_CHECKS: readonly Check[] = [
  { id: 'allowPrivilegeEscalation', sinceMinor: 8, run: unlessWindows(allowPrivilegeEscalation) },
  {
    id: 'capabilities_restricted',
    sinceMinor: 22,
    overrides: ['capabilities_baseline'],
    run: unlessWindows(capabilities),
  },
  { id: 'procMount_restricted', sinceMinor: 35, overrides: ['procMount'], run: procMount },
  { id: 'restrictedVolumes', sinceMinor: 0, overrides: ['hostPathVolumes'], run: restrictedVolumes },
  { id: 'runAsNonRoot', sinceMinor: 0, run: unlessOwnUsers(runAsNonRoot) },
  { id: 'runAsUser', sinceMinor: 23, run: unlessOwnUsers(runAsUser) },
  {
    id: 'seccompProfile_restricted',
    sinceMinor: 19,
    overrides: ['seccompProfile_baseline'],
    run: unlessWindows(seccompProfile),
  },
];

function allowPrivilegeEscalation(pod: PodFacts): Violation | undefined {
  const bad = namesWhere(pod, ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false);
  return bad.length === 0
    ? undefined
    : {
        reason: 'allowPrivilegeEscalation != false',
        detail: `${containersText(bad)} must set securityContext.allowPrivilegeEscalation=false`,
      };
}

function capabilities(pod: PodFacts): Violation | undefined {
  const addedOf = (container: PodFacts['containers'][number]): readonly string[] =>
    (container.securityContext?.capabilities?.add ?? []).filter((name) => name !== 'NET_BIND_SERVICE');
  const keeping = namesWhere(
    pod,
    ({ securityContext }) => !(securityContext?.capabilities?.drop ?? []).includes('ALL'),
  );
  const adding = namesWhere(pod, (container) => addedOf(container).length > 0);
  const details = [
    ...(keeping.length > 0
      ? [`${containersText(keeping)} must set securityContext.capabilities.drop=["ALL"]`]
      : []),
    ...(adding.length > 0
      ? [
          `${containersText(adding)} must not include ${quoted(sorted(pod.containers.flatMap(addedOf)))} in securityContext.capabilities.add`,
        ]
      : []),
  ];
  return details.length === 0
    ? undefined
    : { reason: 'unrestricted capabilities', detail: details.join('; ') };
}

function restrictedVolumes({ spec }: PodFacts): Violation | undefined {
  const bad = (spec.volumes ?? []).filter(
    (volume) => !ALLOWED_VOLUMES.some((type) => volume[type] !== undefined),
  );
  const types = sorted(bad.map((volume) => Object.keys(volume).find((key) => key !== 'name') ?? 'unknown'));
  return bad.length === 0
    ? undefined
    : {
        reason: 'restricted volume types',
        detail: `${plural('volume', bad.length)} ${quoted(bad.map(({ name }) => name))} ${bad.length === 1 ? 'uses' : 'use'} ${plural('restricted volume type', types.length)} ${quoted(types)}`,
      };
}

function runAsNonRoot(pod: PodFacts): Violation | undefined {
  const ofPod = pod.spec.securityContext?.runAsNonRoot;
  const setters = settersText(
    ofPod === false,
    namesWhere(pod, ({ securityContext }) => securityContext?.runAsNonRoot === false),
  );
  const reason = 'runAsNonRoot != true';
  if (setters !== '') {
    return { reason, detail: `${setters} must not set securityContext.runAsNonRoot=false` };
  }
  const silent = namesWhere(
    pod,
    ({ securityContext }) => ofPod !== true && securityContext?.runAsNonRoot === undefined,
  );
  return silent.length === 0
    ? undefined
    : { reason, detail: `pod or ${containersText(silent)} must set securityContext.runAsNonRoot=true` };
}

function runAsUser(pod: PodFacts): Violation | undefined {
  const setters = settersText(
    pod.spec.securityContext?.runAsUser === 0,
    namesWhere(pod, ({ securityContext }) => securityContext?.runAsUser === 0),
  );
  return setters === ''
    ? undefined
    : { reason: 'runAsUser=0', detail: `${setters} must not set runAsUser=0` };
}

function seccompProfile(pod: PodFacts): Violation | undefined {
  const chosen = chosenSeccomp(pod);
  if (chosen !== undefined || pod.spec.securityContext?.seccompProfile !== undefined) {
    return chosen;
  }
  const silent = namesWhere(pod, ({ securityContext }) => securityContext?.seccompProfile === undefined);
  return silent.length === 0
    ? undefined
    : {
        reason: 'seccompProfile',
        detail: `pod or ${containersText(silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
      };
}
