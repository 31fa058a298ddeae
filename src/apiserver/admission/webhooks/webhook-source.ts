import type { ResourceType } from '#api/resource-type.ts';
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '#api/types/admissionregistration.v1.ts';
import type { ObjectReader } from '../../object-reader.ts';
import type { MatchConditions } from '../expressions/match-conditions.ts';
import { selectorOf, type MatchCriteria } from '../matching/match-request.ts';

/** One webhook of one configuration, with its selectors read. */
export interface RegisteredWebhook {
  /** Tells webhooks of the same name in different configurations apart. */
  readonly id: string;
  readonly configuration: string;
  readonly hook: MutatingWebhook | ValidatingWebhook;
  readonly criteria: MatchCriteria;
  /** Compiled when first asked for; undefined when there are none. */
  readonly conditions: (() => Promise<MatchConditions>) | undefined;
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
      configuration: metadata.name,
      hook,
      criteria: {
        namespaceSelector: selectorOf(hook.namespaceSelector),
        objectSelector: selectorOf(hook.objectSelector),
        rules: hook.rules ?? [],
        excluded: [],
        allowsEquivalent: hook.matchPolicy === 'Equivalent',
      },
      conditions: conditionsOf(hook),
    };
  });
}

function conditionsOf({
  matchConditions = [],
  failurePolicy,
}: RegisteredWebhook['hook']): RegisteredWebhook['conditions'] {
  if (matchConditions.length === 0) {
    return undefined;
  }
  let compiled: Promise<MatchConditions> | undefined;
  return () => (compiled ??= compile());

  /** Expressions are rare; a server without any never loads what compiles them. */
  async function compile(): Promise<MatchConditions> {
    const [{ MatchConditions: Conditions }, { admissionEnvironment }] = await Promise.all([
      import('../expressions/match-conditions.ts'),
      import('../expressions/admission-variables.ts'),
    ]);
    const environment = admissionEnvironment({ hasParams: false, hasAuthorizer: true });
    return new Conditions(matchConditions, { environment, failurePolicy });
  }
}
