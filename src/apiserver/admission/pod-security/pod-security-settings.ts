import type { NamespacePolicy } from './namespace-policy.ts';

/** What a cluster wants of pods where their namespace says nothing, and whom it does not ask. */
export interface PodSecuritySettings {
  readonly defaults: NamespacePolicy;
  readonly exemptions: {
    readonly usernames: ReadonlySet<string>;
    readonly namespaces: ReadonlySet<string>;
    readonly runtimeClasses: ReadonlySet<string>;
  };
}
