import { customResource, type Condition, type CustomObject } from 'coracle/controller';

/** What `website.crd.yaml` defines. */
export interface WebsiteSpec {
  readonly image: string;
  readonly replicas: number;
  /** `<name>.<namespace>.example.com` when left out; a webhook writes it down, where it is registered. */
  readonly host?: string;
  /** From then on no copies run. RFC 3339. */
  readonly retireAt?: string;
}

export interface WebsiteStatus {
  readonly url?: string;
  readonly readyReplicas?: number;
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
}

export type Website = CustomObject<WebsiteSpec, WebsiteStatus>;

export const WEBSITE = customResource<Website>({
  group: 'example.com',
  version: 'v1',
  kind: 'Website',
  plural: 'websites',
});
