import { EVERYTHING, labelSelectorFromObject, type LabelSelector } from '#api/label-selector.ts';
import type { ResourceType } from '#api/resource-type.ts';
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '#api/types/admissionregistration.v1.ts';
import type { ObjectReader } from '../../object-reader.ts';

/** One webhook of one configuration, with its selectors read. */
export interface RegisteredWebhook {
  /** Tells webhooks of the same name in different configurations apart. */
  readonly id: string;
  readonly hook: MutatingWebhook | ValidatingWebhook;
  readonly namespaceSelector: LabelSelector;
  readonly objectSelector: LabelSelector;
}

type Configuration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration;

/** The webhooks of all configurations of one kind, by the configurations' names; read anew after a change only. */
export class WebhookSource<T extends Configuration> {
  readonly #reader: ObjectReader;
  readonly #type: ResourceType<T>;
  #webhooks: readonly RegisteredWebhook[] | undefined;

  constructor(reader: ObjectReader, type: ResourceType<T>) {
    this.#reader = reader;
    this.#type = type;
    reader.onChange(type, () => {
      this.#webhooks = undefined;
    });
  }

  all(): readonly RegisteredWebhook[] {
    this.#webhooks ??= this.#reader
      .list(this.#type, '')
      .toSorted((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1))
      .flatMap(registered);
    return this.#webhooks;
  }
}

function registered({ metadata, webhooks = [] }: Configuration): readonly RegisteredWebhook[] {
  const counts = new Map<string, number>();
  return webhooks.map((hook) => {
    const count = counts.get(hook.name) ?? 0;
    counts.set(hook.name, count + 1);
    return {
      id: `${metadata.name}/${hook.name}/${count}`,
      hook,
      namespaceSelector: selectorOf(hook.namespaceSelector),
      objectSelector: selectorOf(hook.objectSelector),
    };
  });
}

function selectorOf(selector: ValidatingWebhook['namespaceSelector']): LabelSelector {
  return selector === undefined ? EVERYTHING : labelSelectorFromObject(selector);
}
